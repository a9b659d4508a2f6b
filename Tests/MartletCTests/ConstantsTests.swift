import CMartlet
import Delivery
import Martlet
import Model
import Testing

/// The C header repeats numbers that Swift defines: they must be the same.
@Suite struct ConstantsTests {
    @Test func statusCodes() {
        let codes: [(Int32, MartletError.Code)] = [
            (MARTLET_ERROR_INVALID_ARGUMENT, .invalidArgument),
            (MARTLET_ERROR_INVALID_JSON, .invalidJSON),
            (MARTLET_ERROR_INVALID_DOCUMENT, .invalidDocument),
            (MARTLET_ERROR_NOT_FOUND, .notFound),
            (MARTLET_ERROR_UNKNOWN_EVENT_TYPE, .unknownEventType),
            (MARTLET_ERROR_QUEUE_FULL, .queueFull),
            (MARTLET_ERROR_TOO_LARGE, .tooLarge),
            (MARTLET_ERROR_ADDRESS_REFUSED, .addressRefused),
            (MARTLET_ERROR_TIMED_OUT, .timedOut),
            (MARTLET_ERROR_CLOSED, .closed),
            (MARTLET_ERROR_FORKED, .forked),
            (MARTLET_ERROR_WRONG_STATE, .wrongState),
            (MARTLET_ERROR_OUT_OF_RESOURCES, .outOfResources),
            (MARTLET_ERROR_VERIFICATION_FAILED, .verificationFailed),
            (MARTLET_ERROR_INTERNAL, .internal),
            (MARTLET_ERROR_STORAGE_FULL, .storageFull),
            (MARTLET_ERROR_STORAGE, .storage),
            (MARTLET_ERROR_IN_USE, .inUse),
        ]
        #expect(codes.map(\.0) == codes.map(\.1.rawValue))
        #expect(codes.map(\.1) == MartletError.Code.all.map(\.code))
        #expect(MARTLET_OK == 0)
    }

    @Test func outcomes() {
        #expect(MARTLET_OUTCOME_DELIVERY == Outcome.Kind.delivery.rawValue)
        #expect(MARTLET_OUTCOME_EVENT == Outcome.Kind.event.rawValue)
        #expect(MARTLET_OUTCOME_WEBHOOK_DISABLED == Outcome.Kind.webhookDisabled.rawValue)
        #expect(MARTLET_STATE_SUCCEEDED == Outcome.State.succeeded.rawValue)
        #expect(MARTLET_STATE_FAILED == Outcome.State.failed.rawValue)
        #expect(MARTLET_STATE_EXPIRED == Outcome.State.expired.rawValue)
        #expect(MARTLET_STATE_CANCELED == Outcome.State.canceled.rawValue)
    }

    @Test func failures() {
        let classes: [(Int32, ErrorClass)] = [
            (MARTLET_FAILURE_NONE, .none),
            (MARTLET_FAILURE_DNS, .dns),
            (MARTLET_FAILURE_ADDRESS_REFUSED, .addressRefused),
            (MARTLET_FAILURE_CONNECT, .connect),
            (MARTLET_FAILURE_TLS, .tls),
            (MARTLET_FAILURE_CERTIFICATE, .certificate),
            (MARTLET_FAILURE_TIMEOUT, .timeout),
            (MARTLET_FAILURE_CONNECTION_LOST, .connectionLost),
            (MARTLET_FAILURE_BAD_RESPONSE, .badResponse),
            (MARTLET_FAILURE_HTTP_STATUS, .httpStatus),
            (MARTLET_FAILURE_LOCAL, .local),
            (MARTLET_FAILURE_CIRCUIT_OPEN, .circuitOpen),
            (MARTLET_FAILURE_BACKLOG_FULL, .backlogFull),
        ]
        #expect(classes.map(\.0) == classes.map { Int32($0.1.rawValue) })
        #expect(classes.map(\.1) == ErrorClass.allCases)
    }

    @Test func disabledReasons() {
        #expect(MARTLET_DISABLED_GONE == DisableReason.gone.rawValue)
        #expect(MARTLET_DISABLED_RECEIVER_ASKED == DisableReason.receiverAsked.rawValue)
        #expect(MARTLET_DISABLED_FAILING == DisableReason.failing.rawValue)
    }

    @Test func version() {
        #expect(MARTLET_VERSION == Engine.version)
        #expect(UInt32(MARTLET_VERSION_NUMBER) == Engine.versionNumber)
        #expect(
            MARTLET_VERSION_NUMBER == MARTLET_VERSION_MAJOR << 16 | MARTLET_VERSION_MINOR << 8 | MARTLET_VERSION_PATCH
        )
    }

    @Test func idsFitTheirFields() {
        #expect(EventID.maximumTextLength < MARTLET_ID_SIZE)
        #expect(Identifier.maximumTextLength < MemoryLayout.size(ofValue: martlet_outcome_t().delivery_id))
        #expect(Identifier.maximumTextLength < MemoryLayout.size(ofValue: martlet_outcome_t().webhook_id))
    }
}
