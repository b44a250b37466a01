//go:build lab && linux && !race

package process

const race = false
