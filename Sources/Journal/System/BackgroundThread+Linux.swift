import CPlatform
import Glibc

/// A thread of the journal's own, with every signal blocked: signals are the host's business.
struct BackgroundThread: @unchecked Sendable {
    // Sendable: a thread's handle may be joined from any thread.
    private let thread: pthread_t

    /// Starts a thread that runs `body`; throws where the system has none to give. It must be joined.
    init(name: String, _ body: @escaping @Sendable () -> Void) throws(JournalError) {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

        // The thread takes this one reference over and gives it up at its start.
        let context = Unmanaged.passRetained(Body(name: name, run: body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                martlet_platform_name_thread(body.name)
                body.run()
                return nil
            },
            context.toOpaque()
        )
        guard code == 0 else {
            context.release()
            throw .system(operation: "start", path: "a thread", code: code)
        }
        self.thread = thread
    }

    func join() {
        pthread_join(thread, nil)
    }

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }
}
