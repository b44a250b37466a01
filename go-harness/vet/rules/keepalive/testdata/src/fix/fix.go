// Package fix has calls that a deferred KeepAlive mends.
package fix

/*
typedef struct codec codec;
static codec *codec_new(void) { return 0; }
static void codec_free(codec *c) { }
static int codec_size(codec *c) { return 0; }
*/
import "C"

import "runtime"

type Codec struct{ p *C.codec }

func New() *Codec {
	c := &Codec{C.codec_new()}
	runtime.SetFinalizer(c, func(c *Codec) { C.codec_free(c.p) })
	return c
}

func (c *Codec) Size() int {
	return int(C.codec_size(c.p)) // want `c may be finalized`
}

func size(c *Codec) int { return int(C.codec_size(c.p)) } // want `c may be finalized`
