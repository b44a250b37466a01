// Package fakecourier is a library with the header of courier that lies on request: about its version, in
// what it returns, and with calls that nobody expects. The real one cannot be made to, and so the binding's
// answers to it are tested here. It takes the real library's place in the link:
//
//	go test -count=1 -tags courier_nolink,courier_fake ./courier/internal/fakecourier
//
// When it does not lie it does what is needed to be called: each load completes at once with the bytes of
// its URL, unless a test takes it with [Offer].
package fakecourier
