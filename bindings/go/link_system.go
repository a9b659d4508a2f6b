//go:build !martlet_bundled

package martlet

// The library as bindings/c/install.sh installed it, found by pkg-config: set PKG_CONFIG_PATH where it is not in the
// system's folders.

// #cgo pkg-config: martlet
import "C"
