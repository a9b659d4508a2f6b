module martlet.example/benchmark

go 1.19

require martlet.example/martlet v0.0.0

replace martlet.example/martlet => ../../../../bindings/go
