/// What a content filter can ask, by the name that documents write.
package enum FilterOperator: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    case equal
    case notEqual
    case oneOf
    case noneOf
    case greater
    case greaterOrEqual
    case less
    case lessOrEqual
    case exist
    case startsWith
    case endsWith
    case and
    case or
    case not

    package var name: String {
        switch self {
        case .equal: "$eq"
        case .notEqual: "$neq"
        case .oneOf: "$in"
        case .noneOf: "$nin"
        case .greater: "$gt"
        case .greaterOrEqual: "$gte"
        case .less: "$lt"
        case .lessOrEqual: "$lte"
        case .exist: "$exist"
        case .startsWith: "$startsWith"
        case .endsWith: "$endsWith"
        case .and: "$and"
        case .or: "$or"
        case .not: "$not"
        }
    }

    /// What stands behind the name, fit to follow "must be".
    package var accepted: String {
        switch self {
        case .equal, .notEqual: "a string, a number, true, false or null"
        case .oneOf, .noneOf:
            "an array of 1 to \(ContentFilter.maximumListCount) strings, numbers, booleans or nulls"
        case .greater, .greaterOrEqual, .less, .lessOrEqual: "a number or a string"
        case .exist: "true or false"
        case .startsWith, .endsWith: "a string"
        case .and, .or: "an array of at least one object of conditions"
        case .not: "an object of conditions"
        }
    }

    /// When it holds, for the reference.
    package var documentation: String {
        switch self {
        case .equal: "The field has this value. `{\"status\":\"open\"}` is short for `{\"status\":{\"$eq\":\"open\"}}`."
        case .notEqual: "The field has another value, or is not there."
        case .oneOf: "The field has one of these values."
        case .noneOf: "The field has none of these values, or is not there."
        case .greater: "The field is of the same kind and greater. Strings are ordered by their UTF-8 bytes."
        case .greaterOrEqual: "The field is of the same kind, and greater or equal."
        case .less: "The field is of the same kind and less."
        case .lessOrEqual: "The field is of the same kind, and less or equal."
        case .exist: "The field is there, be it `null`; or with `false`, it is not there."
        case .startsWith: "The field is a string that starts with this."
        case .endsWith: "The field is a string that ends with this."
        case .and: "All of them hold."
        case .or: "One of them holds."
        case .not: "The conditions do not all hold. It may stand at the top or inside of a field."
        }
    }
}
