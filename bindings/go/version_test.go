package martlet

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

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

// Each key of the configuration reference has a field, in the clone that has the reference.
func TestKeysAreThoseOfTheReference(t *testing.T) {
	text, err := os.ReadFile("../../Sources/Martlet/Martlet.docc/Configuration.md")
	if err != nil {
		t.Skip(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\|.*$")
	for title, kind := range map[string]reflect.Type{
		"Engine configuration": reflect.TypeOf(Config{}), "Webhook": reflect.TypeOf(Webhook{}),
	} {
		_, section, found := strings.Cut(string(text), "\n## "+title+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		rows := row.FindAllStringSubmatch(section, -1)
		if !found || len(rows) < 20 {
			t.Fatal("the reference has changed its shape:", title)
		}
		known := map[string]bool{}
		fieldKeys(kind, "", known)
		for _, entry := range rows {
			if !known[entry[1]] && !strings.Contains(entry[0], "set by Martlet") && entry[1] != "id" {
				t.Errorf("%s: no field for %s", title, entry[1])
			}
		}
	}
}

// fieldKeys adds the JSON names of a struct's fields, and of those of the structs in it.
func fieldKeys(kind reflect.Type, prefix string, known map[string]bool) {
	for i := 0; i < kind.NumField(); i++ {
		field := kind.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if name != "" {
			known[prefix+name] = true
			name += "."
		}
		if inner.Kind() == reflect.Struct {
			fieldKeys(inner, prefix+name, known)
		}
	}
}
