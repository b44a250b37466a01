package summary

import "testing"

func TestFreesByTheVerb(t *testing.T) {
	for name, want := range map[string]bool{
		"free": true, "lib_free": true, "freeaddrinfo": true, "dlclose": true, "sqlite3_finalize": true, "ZSTD_freeCCtx": true,
		"hash_set_destroy": true, "ts_query_delete": true, "free_handler": true, "g_object_unref": true, "xmlFree": true,
		"glfwWindowShouldClose": false, "glfwSetWindowCloseCallback": false, "glfwSetDropCallback": false, "set_free_hook": false,
		"lib_on_close": false, "is_free": false, "freeze_all": false, "lib_open": false, "freenect_open": false,
	} {
		if got := Frees(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
