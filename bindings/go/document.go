package martlet

// #include "glue.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"unsafe"
)

// Ptr gives a pointer to a value, for the fields whose zero value means something.
func Ptr[T any](value T) *T { return &value }

// marshal is json.Marshal without the escapes for HTML: texts arrive as they are.
func marshal(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// document writes an object with the keys of a struct or map, and the extra ones behind them. A key that both have is
// given twice, which the library refuses.
func document(fields any, extra map[string]any) ([]byte, error) {
	text, err := marshal(fields)
	if err != nil || len(extra) == 0 {
		return text, err
	}
	more, err := marshal(extra)
	if err != nil {
		return nil, err
	}
	if len(text) == len("{}") {
		return more, nil
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}

// pointer is where the bytes are, for the duration of a call of C.
func pointer(text []byte) *C.char {
	if len(text) == 0 {
		return nil
	}
	return (*C.char)(unsafe.Pointer(&text[0]))
}

// take copies what a call gave, and frees it.
func take(result C.glue_result) ([]byte, error) {
	if err := newError(result.status, result.error); err != nil {
		return nil, err
	}
	if result.text == nil {
		return nil, nil
	}
	defer C.martlet_free(unsafe.Pointer(result.text))
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(result.text)), int(result.length))...), nil
}

// into reads the document of a call.
func into(result C.glue_result, value any) error {
	text, err := take(result)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}
