package martlet

// #include "glue.h"
import "C"

import (
	"encoding/json"
	"runtime"
	"time"
)

// Statistics are counters and gauges of an engine.
type Statistics struct {
	Version string
	// State is "open", or how far the engine's end has come.
	State    string
	UptimeMs int64
	Webhooks int
	// Queue is what waits or is under way, and its bounds.
	Queue struct {
		Events, Bytes, MaxEvents, MaxBytes int64
	}
	// Events counts pushes; Unsettled is a gauge.
	Events struct {
		Accepted, Unmatched, Refused, Duplicates, Unsettled uint64
	}
	// Deliveries: Pending and InFlight are gauges, the others count.
	Deliveries struct {
		Pending, InFlight, Succeeded, Failed, Expired, Canceled, Attempts, Retries uint64
	}
	// OutcomesWaiting were not received yet.
	OutcomesWaiting int
	// Journal is nil without a data directory.
	Journal *JournalStatistics
	// Document is the whole of it as the library wrote it, the lanes among it.
	Document json.RawMessage `json:"-"`
}

// JournalStatistics are the numbers of an engine's data directory.
type JournalStatistics struct {
	Segments                                    int
	BytesOnDisk, LiveBytes, MaxBytes, RoomBytes int64
	SyncFailures                                int64
	// LastSyncAt is nil before the first.
	LastSyncAt *time.Time
	// Recovery is what opening found.
	Recovery Recovery
}

// Recovery is what opening a data directory found: what is there again, and what was damaged.
type Recovery struct {
	Events, Deliveries, Webhooks, Outcomes, Records int
	// TruncatedBytes were being written when the process or the machine stopped, and promised to nobody.
	TruncatedBytes int64
	// Quarantined are damaged stretches, which were set aside; LostRecords and UnreadableRecords are what they cost.
	Quarantined                    int
	QuarantinedBytes               int64
	LostRecords, UnreadableRecords int
	Milliseconds                   int64
}

// Statistics reads the counters and gauges.
func (e *Engine) Statistics() (Statistics, error) {
	defer runtime.KeepAlive(e)
	var statistics Statistics
	text, err := take(C.glue_stats(e.handle))
	if err == nil {
		statistics.Document = text
		err = json.Unmarshal(text, &statistics)
	}
	return statistics, err
}

// Metrics are the same in the Prometheus text format, version 0.0.4, for the host's own metrics endpoint.
func (e *Engine) Metrics() ([]byte, error) {
	defer runtime.KeepAlive(e)
	return take(C.glue_metrics(e.handle))
}
