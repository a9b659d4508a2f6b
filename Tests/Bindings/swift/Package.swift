// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "cases",
    dependencies: [
        .package(name: "martlet", path: "../../..")
    ],
    targets: [
        .executableTarget(name: "Cases", dependencies: [.product(name: "Martlet", package: "martlet")]),
        .executableTarget(name: "Forgotten", dependencies: [.product(name: "Martlet", package: "martlet")]),
    ],
    swiftLanguageModes: [.v6]
)
