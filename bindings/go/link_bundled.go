//go:build martlet_bundled

package martlet

// The library that `go generate` put beside this file. A program finds it there, or in a folder `lib` or the very
// folder beside its own file, so that it can be taken to another machine.

// #cgo CFLAGS: -I${SRCDIR}/bundled/include
// #cgo LDFLAGS: -L${SRCDIR}/bundled/lib -lmartlet
// #cgo LDFLAGS: -Wl,-rpath,$ORIGIN -Wl,-rpath,$ORIGIN/lib -Wl,-rpath,${SRCDIR}/bundled/lib
import "C"
