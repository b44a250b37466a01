package capi

/*
#include "helpers.h"
*/
import "C"

// InUse reports whether the calling thread is inside a call on the handle, which is only possible inside
// a callback that the call has led to.
func InUse(id uint64) bool { return C.capi_in_use(C.uint64_t(id)) != 0 }

// Inside is what [Owner] returns inside a callback.
const Inside = C.CAPI_INSIDE

// Owner is the number that the calling thread was given with [SetOwner]; 0 if none, and [Inside] inside a
// callback. It tells one thread from another without asking the operating system.
func Owner() uint64 { return uint64(C.capi_owner()) }

// SetOwner gives the calling thread a number. The goroutine must be locked to it.
func SetOwner(id uint64) { C.capi_set_owner(C.uint64_t(id)) }
