// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "start",
    dependencies: [
        .package(name: "martlet", path: "../..")
    ],
    targets: [
        .executableTarget(name: "Start", dependencies: [.product(name: "Martlet", package: "martlet")])
    ],
    swiftLanguageModes: [.v6]
)
