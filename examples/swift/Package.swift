// swift-tools-version: 6.0
import PackageDescription

let martlet = Target.Dependency.product(name: "Martlet", package: "martlet")

let package = Package(
    name: "examples",
    dependencies: [
        .package(name: "martlet", path: "../..")
    ],
    targets: [
        // swift run Start http://127.0.0.1:3000/subverse/webhook
        .executableTarget(name: "Start", dependencies: [martlet]),
        // swift run Host
        .executableTarget(name: "Host", dependencies: [martlet]),
    ],
    swiftLanguageModes: [.v6]
)
