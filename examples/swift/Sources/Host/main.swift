import Foundation
import Martlet

// A shop that is run by lines on its standard input:
//
//   subscribe acme http://127.0.0.1:3000/hook    paid acme 17 99.50    shipped acme 17 99.50
//   history acme                                 resend acme           settle

let notifier = try Notifier()
let report = Task { try await notifier.report() }

for await line in standardInput() {
    let words = line.split(separator: " ").map(String.init)
    do {
        switch (words.first, words.count) {
        case ("subscribe", 3):
            let webhook = try notifier.subscribe(words[1], to: ["order.*"], at: words[2])
            print("\(webhook.id) \(webhook.secret)")
        case ("paid", 4), ("shipped", 4):
            guard let number = Int(words[2]), let total = Decimal(string: words[3]) else { fallthrough }
            try await notifier.tell(
                "order.\(words[0])",
                Order(number: number, customer: words[1], total: total, at: Date())
            )
        case ("history", 2):
            try notifier.history(of: words[1]).forEach { print($0) }
        case ("resend", 2):
            print("sent again: \(try notifier.resend(to: words[1]))")
        case ("settle", 1):
            try await notifier.settle()
        default:
            print("not understood: \(line)")
        }
    } catch let error as MartletError {
        print("refused: \(error)")
    }
}
try await notifier.close()
try await report.value

/// The lines of the standard input, read by a thread of their own so that no task is held up.
func standardInput() -> AsyncStream<String> {
    AsyncStream { continuation in
        Thread {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }.start()
    }
}
