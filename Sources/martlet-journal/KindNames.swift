import Records

/// What the engine calls its kinds of records; nil for one that it does not know.
///
/// The one place that ties this program to the engine: the journal itself does not know what its records say.
func engineKindName(_ kind: UInt8) -> String? {
    RecordKind(rawValue: kind)?.name
}
