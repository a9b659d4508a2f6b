package martlet

// #include "glue.h"
import "C"

import (
	"strings"
	"time"
	"unsafe"
)

// Sign gives the value of the header `webhook-signature` for a request, after Standard Webhooks 1.0.0.
//
// secrets is one, "whsec_..." or several with blanks between: each gives one signature. id and timestamp are those of
// the headers `webhook-id` and `webhook-timestamp`.
func Sign(secrets, id string, timestamp time.Time, body []byte) (string, error) {
	// A signature has 48 bytes with what parts it from the next, and a secret more than one.
	signature := make([]byte, (len(strings.Fields(secrets))+1)*48)
	result := C.glue_sign(secrets, id, C.int64_t(timestamp.Unix()), pointer(body), C.size_t(len(body)),
		pointer(signature), C.size_t(len(signature)))
	if err := newError(result.status, result.error); err != nil {
		return "", err
	}
	return C.GoString((*C.char)(unsafe.Pointer(&signature[0]))), nil
}

// Header is what a verification reads from a request; http.Header is one.
type Header interface {
	Get(name string) string
}

// Verify tells whether a request is genuine: nil where one of its signatures was made with one of the secrets over
// exactly this body, and its time is within five minutes of the clock. It is short for a [Verifier] with the secrets
// alone.
//
//	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
//	if err := martlet.Verify(secret, r.Header, body); err != nil {
//		http.Error(w, "no", http.StatusUnauthorized)
//		return
//	}
//
// Errors: ErrVerificationFailed, whose text says why; ErrInvalidArgument where a secret cannot be read.
func Verify(secrets string, header Header, body []byte) error {
	return Verifier{Secrets: secrets}.Verify(header, body)
}

// Verifier checks the requests of a receiver.
type Verifier struct {
	// Secrets is one secret, or several with blanks between, as while one is being rotated.
	Secrets string
	// Tolerance is how far the time of a request may be from the clock, in whole seconds; 0 for five minutes.
	Tolerance time.Duration
	// Now is the clock; nil for the system's.
	Now func() time.Time
}

// Verify is as the function of this name. The body is as received, before anything has parsed it.
func (v Verifier) Verify(header Header, body []byte) error {
	tolerance, now := int64(-1), int64(0)
	if v.Tolerance > 0 {
		tolerance = int64(v.Tolerance / time.Second)
	}
	if v.Now != nil {
		now = v.Now().Unix()
	}
	result := C.glue_verify(v.Secrets, header.Get("webhook-id"), header.Get("webhook-timestamp"),
		header.Get("webhook-signature"), pointer(body), C.size_t(len(body)), C.int64_t(now), C.int64_t(tolerance))
	return newError(result.status, result.error)
}
