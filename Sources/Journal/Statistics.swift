/// What a journal holds and has done since it was opened.
package struct JournalStatistics: Equatable, Sendable {
    /// Segments with records, the active one included; one prepared ahead is not.
    package var segments = 0
    /// Bytes of all segment files, prepared ahead ones included.
    package var bytesOnDisk = 0
    /// Bytes of the records that are still needed, with their headers.
    package var liveBytes = 0
    /// Bytes that ordinary appends can write without a new file.
    package var roomBytes = 0
    package var syncs = 0
    package var syncFailures = 0
    /// Milliseconds since 1970 of the last sync that succeeded; nil before the first.
    package var lastSync: Int64?
    package var preallocationFailures = 0
    package var segmentsDeleted = 0
    package var deletionFailures = 0
}

/// What opening found.
package struct RecoveryReport: Equatable, Sendable {
    package var segments = 0
    package var records = 0
    /// Bytes cut from the ends of segments, where an append was interrupted or the file was shortened.
    package var truncatedBytes = 0
    /// Damaged stretches that were copied to side files, whole segments without a usable header included.
    package var quarantinedStretches = 0
    package var quarantinedBytes = 0
    /// Bytes of damaged stretches that hold nothing but zeros: pages that never reached the disk.
    package var lostPagesBytes = 0
    /// Records that are known to be missing, by the gaps in the sequence.
    package var lostRecords = 0
    /// Numbers that should have been there, oldest first.
    package var missingSegments: [ClosedRange<UInt32>] = []
    /// Files that are shorter than they were made. Records at the end of the newest one may be missing without a gap in
    /// the sequence.
    package var shortenedSegments = 0
    /// Headers of whose two copies one was damaged; the other one served and both are in order again.
    package var damagedHeaders = 0
    /// The errno of a side file that could not be written; its damage was left in place.
    package var quarantineFailure: Int32?
    package var milliseconds = 0

    package init() {}
}
