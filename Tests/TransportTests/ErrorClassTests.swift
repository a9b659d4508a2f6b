import CCurl
import Model
import Testing

@testable import Transport

@Suite struct ErrorClassTests {
    private func classify(_ code: CURLcode, _ change: (inout TransferEnd) -> Void = { _ in }) -> ErrorClass {
        var end = TransferEnd()
        end.code = code
        end.wasResolved = true
        change(&end)
        return ErrorClass(end)
    }

    @Test func aCompleteHeadDecidesWhateverTheCode() {
        for code in [CURLE_OK, CURLE_OPERATION_TIMEDOUT, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_WRITE_ERROR] {
            let answered: (UInt16) -> ErrorClass = { status in
                self.classify(code) {
                    $0.headIsComplete = true
                    $0.status = status
                    $0.headIsTooLong = true
                }
            }
            #expect(answered(200) == .none)
            #expect(answered(299) == .none)
            #expect(answered(300) == .httpStatus)
            #expect(answered(199) == .httpStatus)
            #expect(answered(503) == .httpStatus)
        }
    }

    @Test func timeoutsTellTheirPhase() {
        #expect(classify(CURLE_OPERATION_TIMEDOUT) { $0.deadlinePassed = true } == .timeout)
        #expect(classify(CURLE_OPERATION_TIMEDOUT) == .connect)
        #expect(classify(CURLE_OPERATION_TIMEDOUT) { $0.wasResolved = false } == .dns)
        #expect(
            classify(CURLE_OPERATION_TIMEDOUT) {
                $0.wasResolved = false
                $0.deadlinePassed = true
            } == .timeout
        )
    }

    @Test func refusalNeedsThatNoAddressWasAllowed() {
        #expect(classify(CURLE_COULDNT_CONNECT) { $0.addressesRefused = 2 } == .addressRefused)
        #expect(
            classify(CURLE_COULDNT_CONNECT) {
                $0.addressesRefused = 1
                $0.addressesAllowed = 1
            } == .connect
        )
    }

    @Test func shortagesAreOurs() {
        #expect(classify(CURLE_COULDNT_CONNECT) { $0.lackedResources = true } == .local)
        #expect(classify(CURLE_COULDNT_RESOLVE_HOST) { $0.lackedResources = true } == .local)
        #expect(classify(CURLE_OUT_OF_MEMORY) == .local)
        #expect(classify(CURLE_FAILED_INIT) == .local)
        #expect(classify(CURLE_SSL_CACERT_BADFILE) == .local)
        #expect(classify(CURLE_UNSUPPORTED_PROTOCOL) == .local)
    }

    static let codes: [(UInt32, ErrorClass)] = [
        (6, .dns), (5, .dns), (7, .connect), (35, .tls), (58, .tls), (60, .certificate), (90, .certificate),
        (52, .connectionLost), (56, .connectionLost), (55, .connectionLost), (18, .connectionLost),
        (92, .connectionLost), (8, .badResponse), (0, .badResponse),
    ]

    @Test(arguments: codes)
    func codesHaveTheirClass(code: UInt32, expected: ErrorClass) {
        #expect(classify(CURLcode(rawValue: code)) == expected)
    }

    @Test func whatAnAnswerBroughtAboutIsTheReceiversFault() {
        #expect(classify(CURLE_UNSUPPORTED_PROTOCOL) { $0.wasSent = true } == .badResponse)
        #expect(classify(CURLE_OUT_OF_MEMORY) { $0.wasSent = true } == .badResponse)
        #expect(classify(CURLE_WRITE_ERROR) { $0.headIsTooLong = true } == .badResponse)
    }
}
