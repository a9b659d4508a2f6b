package martlet

// #include "glue.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// Code is a status code of the library. Its constants are errors to compare with: errors.Is(err, martlet.ErrQueueFull).
//
// A newer library may give codes that have no constant here; they have a name and a text all the same.
type Code int32

const (
	// ErrInvalidArgument means a value outside its range, or bad UTF-8.
	ErrInvalidArgument Code = C.MARTLET_ERROR_INVALID_ARGUMENT
	// ErrInvalidJSON means bytes that should be JSON and are not, or nest too deep.
	ErrInvalidJSON Code = C.MARTLET_ERROR_INVALID_JSON
	// ErrInvalidDocument means an unknown key, a wrong type or a value that is not accepted; the text names the key.
	ErrInvalidDocument Code = C.MARTLET_ERROR_INVALID_DOCUMENT
	// ErrNotFound means that there is no webhook or delivery with this id.
	ErrNotFound Code = C.MARTLET_ERROR_NOT_FOUND
	// ErrUnknownEventType means an event type that is neither built in nor configured.
	ErrUnknownEventType Code = C.MARTLET_ERROR_UNKNOWN_EVENT_TYPE
	// ErrQueueFull means that the queue holds as much as configured: push again when outcomes have arrived.
	ErrQueueFull Code = C.MARTLET_ERROR_QUEUE_FULL
	// ErrTooLarge means an event larger than the engine accepts.
	ErrTooLarge Code = C.MARTLET_ERROR_TOO_LARGE
	// ErrAddressRefused means that the address guard refuses the URL.
	ErrAddressRefused Code = C.MARTLET_ERROR_ADDRESS_REFUSED
	// ErrTimedOut means that the context ended before the work was done. Such an error is the context's own too.
	ErrTimedOut Code = C.MARTLET_ERROR_TIMED_OUT
	// ErrClosed means that the engine is closed.
	ErrClosed Code = C.MARTLET_ERROR_CLOSED
	// ErrForked means a call in a forked child with an engine of its parent.
	ErrForked Code = C.MARTLET_ERROR_FORKED
	// ErrWrongState means that the call is not possible as the engine is configured or as things stand with its object.
	ErrWrongState Code = C.MARTLET_ERROR_WRONG_STATE
	// ErrOutOfResources means that memory, threads, file descriptors or engine handles ran out.
	ErrOutOfResources Code = C.MARTLET_ERROR_OUT_OF_RESOURCES
	// ErrVerificationFailed means that a signature or its time is not valid.
	ErrVerificationFailed Code = C.MARTLET_ERROR_VERIFICATION_FAILED
	// ErrInternal means a fault in the library itself; please report it.
	ErrInternal Code = C.MARTLET_ERROR_INTERNAL
	// ErrStorageFull means that the disk, or the journal's share of it, is full: nothing was accepted.
	ErrStorageFull Code = C.MARTLET_ERROR_STORAGE_FULL
	// ErrStorage means that the data directory cannot be used, or that the system failed to write it.
	ErrStorage Code = C.MARTLET_ERROR_STORAGE
	// ErrInUse means that another engine has the data directory open.
	ErrInUse Code = C.MARTLET_ERROR_IN_USE
)

// Name is the library's name of the code, such as "QUEUE_FULL"; "UNKNOWN" for a number that is none.
func (c Code) Name() string {
	return C.GoString(C.martlet_status_name(C.int32_t(c)))
}

// Error is the code in words.
func (c Code) Error() string {
	return "martlet: " + C.GoString(C.martlet_status_text(C.int32_t(c)))
}

// Error is what the library refused, and why.
type Error struct {
	// Code is what to decide on.
	Code Code
	// Text is one line for a person: what is wrong and what is accepted. It may be empty.
	Text string

	context error
}

// Error names the code and tells the text.
func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s (%s)", e.Code.Error(), e.Code.Name())
	}
	return fmt.Sprintf("martlet: %s (%s)", e.Text, e.Code.Name())
}

// Is makes errors.Is find the code and, where a context ended the call, the context's error.
func (e *Error) Is(target error) bool {
	return target == e.Code || e.context != nil && errors.Is(e.context, target)
}

// newError takes over the text, which may be NULL.
func newError(status C.int32_t, text *C.char) error {
	if status == C.MARTLET_OK {
		return nil
	}
	err := &Error{Code: Code(status), Text: C.GoString(text)}
	C.free(unsafe.Pointer(text))
	return err
}

// The library that is loaded must be as new as the header that this package was compiled with, and of its major
// version.
var versionError = checkVersion(uint32(C.martlet_version_number()))

func checkVersion(loaded uint32) error {
	const compiled = C.MARTLET_VERSION_NUMBER
	if loaded>>16 == compiled>>16 && loaded >= compiled {
		return nil
	}
	return &Error{
		Code: ErrWrongState,
		Text: fmt.Sprintf("the loaded libmartlet is version %s, which does not do for a program made for %s",
			LibraryVersion(), C.MARTLET_VERSION),
	}
}

// LibraryVersion is the version of the loaded library, such as "0.1.0".
func LibraryVersion() string {
	return C.GoString(C.martlet_version())
}

// statusCodes lists the codes of the loaded library with their names.
func statusCodes() map[Code]string {
	codes := map[Code]string{}
	for index := C.size_t(0); ; index++ {
		var status C.int32_t
		name := C.martlet_status_at(index, &status)
		if name == nil {
			return codes
		}
		codes[Code(status)] = C.GoString(name)
	}
}
