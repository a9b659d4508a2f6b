// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "benchmark",
    dependencies: [
        .package(name: "martlet", path: "../../../..")
    ],
    targets: [
        .executableTarget(name: "Host", dependencies: [.product(name: "Martlet", package: "martlet")])
    ],
    swiftLanguageModes: [.v6]
)
