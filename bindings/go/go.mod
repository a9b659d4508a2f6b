module martlet.example/martlet

go 1.19
