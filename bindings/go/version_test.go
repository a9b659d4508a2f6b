package martlet

import "testing"

func TestVersionsThatDo(t *testing.T) {
	for loaded, does := range map[uint32]bool{
		0x000100: true, 0x000101: true, 0x000200: true, 0x0000ff: false, 0x010000: false, 0x010100: false,
	} {
		if err := checkVersion(loaded); (err == nil) != does {
			t.Errorf("%06x: %v", loaded, err)
		}
	}
}

// Each code of the library has a constant here, and each constant its number.
func TestCodesAreTheLibrarys(t *testing.T) {
	constants := map[Code]string{
		ErrInvalidArgument: "INVALID_ARGUMENT", ErrInvalidJSON: "INVALID_JSON", ErrInvalidDocument: "INVALID_DOCUMENT",
		ErrNotFound: "NOT_FOUND", ErrUnknownEventType: "UNKNOWN_EVENT_TYPE", ErrQueueFull: "QUEUE_FULL",
		ErrTooLarge: "TOO_LARGE", ErrAddressRefused: "ADDRESS_REFUSED", ErrTimedOut: "TIMED_OUT", ErrClosed: "CLOSED",
		ErrForked: "FORKED", ErrWrongState: "WRONG_STATE", ErrOutOfResources: "OUT_OF_RESOURCES",
		ErrVerificationFailed: "VERIFICATION_FAILED", ErrInternal: "INTERNAL", ErrStorageFull: "STORAGE_FULL",
		ErrStorage: "STORAGE", ErrInUse: "IN_USE",
	}
	listed := statusCodes()
	delete(listed, 0)
	for code, name := range listed {
		if constants[code] != name {
			t.Errorf("%d is %s", code, name)
		}
	}
	if len(listed) != len(constants) {
		t.Errorf("%d codes, %d constants", len(listed), len(constants))
	}
}
