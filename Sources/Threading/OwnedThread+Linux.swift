import CPlatform
import Glibc

/// Starts threads that Martlet owns.
package enum OwnedThread {
    /// Starts a detached thread that runs `body`, with every signal blocked: signals are the host's business. False where
    /// no thread can be had.
    ///
    /// Detached, because nobody may have to wait for it longer than was asked; who needs its end is told by `body`.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        guard pthread_attr_init(&attributes) == 0 else { return false }
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // A TLS handshake with a deep certificate chain is the hungriest thing that runs on it.
        pthread_attr_setstacksize(&attributes, 1 << 20)

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
            &attributes,
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
            return false
        }
        return true
    }

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            // Linux takes at most 15 characters.
            self.name = String(name.prefix(15))
            self.run = run
        }
    }
}
