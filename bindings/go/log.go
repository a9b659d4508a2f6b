package martlet

// #include "glue.h"
import "C"

import (
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// LogLevel is how urgent a message of the library is: the more urgent, the smaller.
type LogLevel int32

const (
	// LogError: the library could not do its work.
	LogError LogLevel = C.MARTLET_LOG_ERROR
	// LogWarning: something needs attention, such as a webhook that was disabled.
	LogWarning LogLevel = C.MARTLET_LOG_WARNING
	// LogInfo: the life of the engine and its webhooks.
	LogInfo LogLevel = C.MARTLET_LOG_INFO
	// LogDebug: every attempt.
	LogDebug LogLevel = C.MARTLET_LOG_DEBUG
)

var levelNames = []string{"off", "error", "warning", "info", "debug"}

// String gives "error", "warning", "info" or "debug".
func (l LogLevel) String() string { return name(levelNames, int(l)) }

// LogMessage is one line that the library has to say.
type LogMessage struct {
	Level LogLevel
	Time  time.Time
	Text  string
}

// Log has handle called with each message that is as urgent as level, or more; nil for nobody, which is how an engine starts.
//
// One goroutine calls it, one message after the other; it may call the engine. When it is too slow, the newest 1024 messages
// are kept. It goes on until the engine is closed, and is called with what was said until then a moment after Close. An
// engine that is forgotten is not kept by it.
//
// With log/slog:
//
//	engine.Log(martlet.LogInfo, func(m martlet.LogMessage) {
//		slog.Log(ctx, slog.Level(4*(martlet.LogInfo-m.Level)), m.Text)
//	})
//
// Errors: ErrInvalidArgument for a level that is none, ErrClosed, ErrOutOfResources.
func (e *Engine) Log(level LogLevel, handle func(LogMessage)) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if handle == nil {
		if e.log == nil {
			return nil
		}
		level = 0
	} else if level == 0 {
		return &Error{Code: ErrInvalidArgument, Text: "level must be from LogError to LogDebug"}
	}
	var status C.int32_t
	fd := C.glue_log_fd(e.handle, C.int32_t(level), &status)
	if err := newError(status, nil); err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), "log of martlet")
	if e.log != nil {
		// It has its descriptor.
		file.Close()
		e.log.set(handle)
		return nil
	}
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return err
	}
	e.log = &logReader{handle: e.handle, file: file}
	e.log.set(handle)
	go e.log.run(raw)
	return nil
}

// logReader hands messages on. It knows the engine by its number, so that a forgotten one is collected: that ends it.
type logReader struct {
	handle C.uintptr_t
	file   *os.File // of a duplicate of the engine's descriptor

	mutex  sync.Mutex
	hearer func(LogMessage)
	// What Close took before the engine was freed.
	last []LogMessage
}

func (r *logReader) set(hearer func(LogMessage)) {
	r.mutex.Lock()
	r.hearer = hearer
	r.mutex.Unlock()
}

// finish takes what the engine has to say before it is freed; the goroutine hands it on. The mutex is held meanwhile: a
// goroutine that finds the end waits for what was taken here.
func (r *logReader) finish() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	messages, _ := r.poll()
	r.last = append(r.last, messages...)
}

func (r *logReader) run(raw syscall.RawConn) {
	defer r.file.Close()
	for {
		var messages []LogMessage
		ended := false
		err := raw.Read(func(uintptr) bool {
			messages, ended = r.poll()
			return ended || len(messages) != 0
		})
		r.tell(messages)
		if ended || err != nil {
			break
		}
	}
	r.mutex.Lock()
	last := r.last
	r.last = nil
	r.mutex.Unlock()
	r.tell(last)
}

func (r *logReader) tell(messages []LogMessage) {
	for _, message := range messages {
		r.mutex.Lock()
		hearer := r.hearer
		r.mutex.Unlock()
		if hearer != nil {
			hearer(message)
		}
	}
}

// poll takes what waits, and tells whether the engine has ended.
func (r *logReader) poll() ([]LogMessage, bool) {
	var batch struct {
		Messages []struct {
			Level, Text string
			Time        time.Time
		}
		Dropped int64
		Ended   bool
	}
	if err := into(C.glue_log_poll(r.handle), &batch); err != nil {
		return nil, true
	}
	messages := make([]LogMessage, 0, len(batch.Messages))
	for _, message := range batch.Messages {
		messages = append(messages, LogMessage{Level: level(message.Level), Time: message.Time, Text: message.Text})
	}
	if batch.Dropped != 0 {
		text := strconv.FormatInt(batch.Dropped, 10) + " messages were dropped"
		messages = append(messages, LogMessage{Level: LogWarning, Time: time.Now(), Text: text})
	}
	return messages, batch.Ended
}

func level(name string) LogLevel {
	for number, known := range levelNames {
		if known == name {
			return LogLevel(number)
		}
	}
	return LogError
}
