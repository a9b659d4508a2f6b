// swift-tools-version: 6.0
import PackageDescription

// Each target is a room that imports only what stands below it; Sources/Martlet/Martlet.docc/Architecture.md draws them.
let package = Package(
    name: "martlet",
    products: [
        // For Swift hosts: import Martlet from source.
        .library(name: "Martlet", targets: ["Martlet"]),
        // For every other language: the C ABI. bindings/c/install.sh builds it self-contained.
        .library(name: "martlet", type: .dynamic, targets: ["MartletC"]),
    ],
    targets: [
        .systemLibrary(
            name: "CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]
        ),
        .target(name: "CHardware"),
        .target(name: "CMartlet"),
        .target(name: "CPlatform"),
        .target(name: "JSONText", dependencies: ["CHardware"]),
        .target(name: "Signing", dependencies: ["CHardware", "JSONText"]),
        .target(name: "Model", dependencies: ["JSONText"]),
        .target(name: "Threading", dependencies: ["CPlatform", "Model"]),
        .target(name: "Registry", dependencies: ["CHardware", "JSONText", "Model", "Threading"]),
        .target(name: "Delivery", dependencies: ["Model"]),
        .target(name: "Journal", dependencies: ["CHardware", "CPlatform", "Threading"]),
        .target(name: "Records", dependencies: ["Model"]),
        .target(name: "Transport", dependencies: ["CCurl", "JSONText", "Model"]),
        .target(
            name: "Martlet",
            dependencies: [
                "CPlatform", "JSONText", "Signing", "Model", "Threading", "Registry", "Delivery", "Journal", "Records",
                "Transport",
            ],
            // The C library is built without the API for Swift hosts, which it does not use: bindings/c/install.sh.
            exclude: Context.environment["MARTLET_C_LIBRARY"] == nil ? [] : ["Swift"]
        ),
        .executableTarget(name: "martlet-journal", dependencies: ["Journal", "JSONText", "Records"]),
        .target(name: "MartletC", dependencies: ["Martlet", "CMartlet"]),
        // It lifts the functions out of the header that the compiler writes for MartletC.
        .executableTarget(name: "HeaderGenerator", dependencies: ["MartletC"]),
        .executableTarget(name: "ConfigurationReference", dependencies: ["Model"]),
        // A program and not a test: it runs as long as one likes. Tests/run.sh gives it a million steps.
        .executableTarget(
            name: "Simulation",
            dependencies: ["Delivery", "Journal", "Model", "Records"],
            path: "Tests/Simulation"
        ),
        // What the benchmarks measure below the C interface: the JSON check and the signature.
        .executableTarget(
            name: "BenchmarkParts",
            dependencies: ["CHardware", "JSONText", "Signing"],
            path: "Tests/Benchmarks/Parts"
        ),
        // Receivers on loopback that tests of several rooms talk to.
        .target(name: "TestSupport", dependencies: ["Threading"], path: "Tests/TestSupport"),
        // Apart, since the other one brings Foundation with it.
        .target(name: "TestInputs", path: "Tests/TestInputs"),
        .testTarget(name: "JSONTextTests", dependencies: ["JSONText", "CHardware", "TestInputs"]),
        .testTarget(name: "SigningTests", dependencies: ["Signing"]),
        .testTarget(name: "ModelTests", dependencies: ["Model", "JSONText", "TestInputs"]),
        .testTarget(name: "RegistryTests", dependencies: ["Registry", "JSONText", "Model", "Threading", "TestInputs"]),
        .testTarget(name: "DeliveryTests", dependencies: ["Delivery"]),
        .testTarget(
            name: "JournalTests",
            dependencies: ["Journal", "CHardware", "CPlatform", "Threading", "TestInputs"]
        ),
        .testTarget(name: "RecordsTests", dependencies: ["Records", "Model", "TestInputs"]),
        .testTarget(name: "TransportTests", dependencies: ["Transport", "TestSupport", "Threading"]),
        .testTarget(
            name: "MartletTests",
            dependencies: [
                "Martlet", "JSONText", "Journal", "Model", "Records", "Signing", "TestSupport", "Threading",
            ]
        ),
        .testTarget(name: "MartletCTests", dependencies: ["MartletC", "CMartlet", "Martlet", "Model"]),
    ],
    swiftLanguageModes: [.v6]
)
