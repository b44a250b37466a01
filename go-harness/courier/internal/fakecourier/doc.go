// Package fakecourier is a fault-injecting fake of the library: it has courier's header, and on request it
// reports a wrong version, returns wrong results, and makes calls that nobody expects. The real library does
// none of this, so tests of the binding's reactions run here. The fake takes the library's place in the link:
//
//	go test -count=1 -tags courier_nolink,courier_fake ./courier/internal/fakecourier
//
// Without an injected fault it does just enough to be called: each load completes at once with the bytes of
// its URL, unless a test takes it with [Offer].
//
// Two things the binding believes, and the fake does not lie about them: that the payloads of two events are
// two blobs, and that courier_*_options_init writes what means the default. To check the first would take a
// list of all open blobs, and nothing tells a wrong default from a right one.
package fakecourier
