package martlet

// Config is an engine's configuration, see the configuration reference for what its keys accept and mean. The zero
// value takes every default.
type Config struct {
	// DataDirectory holds what was accepted; without one it is kept in memory.
	DataDirectory string `json:"dataDirectory,omitempty"`
	// Sync is when accepted events reach the disk: "always", before a push returns; "interval", the default; "os".
	Sync           string   `json:"sync,omitempty"`
	SyncIntervalMs int      `json:"syncIntervalMs,omitempty"`
	Journal        *Journal `json:"journal,omitempty"`
	// Environment is "production", the default, or "development", which also accepts http and receivers on this
	// machine.
	Environment     string   `json:"environment,omitempty"`
	AllowedNetworks []string `json:"allowedNetworks,omitempty"`
	CAFile          string   `json:"caFile,omitempty"`
	// Lanes are the threads that deliver.
	Lanes         int    `json:"lanes,omitempty"`
	MaxInFlight   int    `json:"maxInFlight,omitempty"`
	Queue         *Queue `json:"queue,omitempty"`
	MaxEventBytes int    `json:"maxEventBytes,omitempty"`
	JSONDepth     int    `json:"jsonDepth,omitempty"`
	// Outcomes is what is reported when it is settled: "off", the default, "events", "deliveries" or "all".
	Outcomes              string         `json:"outcomes,omitempty"`
	EventTypes            []EventType    `json:"eventTypes,omitempty"`
	UserAgent             string         `json:"userAgent,omitempty"`
	ResponseBodyBytes     *int           `json:"responseBodyBytes,omitempty"`
	LogRetention          *LogRetention  `json:"logRetention,omitempty"`
	Deduplication         *Deduplication `json:"deduplication,omitempty"`
	MaxInFlightPerWebhook int            `json:"maxInFlightPerWebhook,omitempty"`
	MaxPendingPerWebhook  int            `json:"maxPendingPerWebhook,omitempty"`
	Policy
	// Extra are keys that this package has no field for.
	Extra map[string]any `json:"-"`
}

// Policy is how deliveries are made. An engine has one, and each webhook may override parts of it.
type Policy struct {
	// TimeoutMs is the deadline of one attempt, in milliseconds.
	TimeoutMs        int `json:"timeoutMs,omitempty"`
	ConnectTimeoutMs int `json:"connectTimeoutMs,omitempty"`
	// ExpirySeconds is how long after its push an event may still be sent; 0 for ever.
	ExpirySeconds       *float64   `json:"expirySeconds,omitempty"`
	AdaptiveConcurrency *bool      `json:"adaptiveConcurrency,omitempty"`
	RateLimit           *RateLimit `json:"rateLimit,omitempty"`
	Retry               *Retry     `json:"retry,omitempty"`
	// Ordering is "none", "key" or "strict".
	Ordering string   `json:"ordering,omitempty"`
	Breaker  *Breaker `json:"breaker,omitempty"`
	// DisableAfterSeconds is how long nothing but failures disables a webhook; 0 for never.
	DisableAfterSeconds *float64 `json:"disableAfterSeconds,omitempty"`
	// PayloadFormat is "subverse", "standard" or "raw".
	PayloadFormat string `json:"payloadFormat,omitempty"`
}

// Queue bounds what waits or is under way.
type Queue struct {
	MaxEvents int   `json:"maxEvents,omitempty"`
	MaxBytes  int64 `json:"maxBytes,omitempty"`
}

// Journal bounds what the data directory takes.
type Journal struct {
	MaxBytes     int64 `json:"maxBytes,omitempty"`
	SegmentBytes int64 `json:"segmentBytes,omitempty"`
}

// RateLimit bounds the attempts to a webhook: so many a second, so many at once after a pause.
type RateLimit struct {
	// PerSecond is 0 for no limit.
	PerSecond float64 `json:"perSecond"`
	Burst     int     `json:"burst,omitempty"`
}

// Retry is when a failed attempt is repeated.
type Retry struct {
	// DelaysSeconds are the waits before each retry: nil for the default, empty for a single attempt.
	DelaysSeconds *[]float64 `json:"delaysSeconds,omitempty"`
	Jitter        *float64   `json:"jitter,omitempty"`
	// RetryOn is nil for the default, empty for no failure at all.
	RetryOn              *[]string `json:"retryOn,omitempty"`
	RetryAfterCapSeconds *float64  `json:"retryAfterCapSeconds,omitempty"`
}

// RetryAfter makes a schedule from its waits in seconds; without any there is a single attempt.
func RetryAfter(seconds ...float64) *Retry {
	delays := append([]float64{}, seconds...)
	return &Retry{DelaysSeconds: &delays}
}

// Breaker stops the attempts to a webhook for a while after failures in a row.
type Breaker struct {
	// Failures is 0 for no breaker.
	Failures       *int     `json:"failures,omitempty"`
	AfterSeconds   *float64 `json:"afterSeconds,omitempty"`
	OpenSeconds    float64  `json:"openSeconds,omitempty"`
	MaxOpenSeconds float64  `json:"maxOpenSeconds,omitempty"`
}

// LogRetention is how much of what is settled the delivery log keeps.
type LogRetention struct {
	Attempts     *int    `json:"attempts,omitempty"`
	Days         float64 `json:"days,omitempty"`
	PayloadBytes *int64  `json:"payloadBytes,omitempty"`
}

// Deduplication is how long the ids are remembered that the host gives its events.
type Deduplication struct {
	// WindowSeconds is 0 for none.
	WindowSeconds *int `json:"windowSeconds,omitempty"`
	MaxIDs        int  `json:"maxIds,omitempty"`
}

// EventType is an entry of the event catalog.
type EventType struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// Sample is an example of an event's data, which a test delivery sends.
	Sample any `json:"sample,omitempty"`
	// Category is the first segment of the name. The library sets it.
	Category string `json:"-"`
	// Extra are keys that this package has no field for.
	Extra map[string]any `json:"-"`
}

// MarshalJSON writes the keys that have a value, and the extra ones.
func (t EventType) MarshalJSON() ([]byte, error) {
	type fields EventType
	return document(fields(t), t.Extra)
}
