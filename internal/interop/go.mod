module github.com/userpool-go/userpool/internal/interop

go 1.26.0

replace github.com/userpool-go/userpool => ../..
