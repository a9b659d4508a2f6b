package martlet

// Iterator goes over a listing and asks for one page at a time.
//
//	for it.Next() {
//		use(it.Value())
//	}
//	if err := it.Err(); err != nil { ... }
//
// It needs no closing. One goroutine uses it at a time.
type Iterator[T any] struct {
	page   func(cursor string) (values []T, next string, err error)
	values []T
	at     int
	cursor string
	last   bool
	err    error
}

// Next goes to the next value; false at the end, after an error, or when the context is over.
func (it *Iterator[T]) Next() bool {
	it.at++
	for it.at >= len(it.values) {
		if it.last || it.err != nil {
			it.values = nil
			return false
		}
		it.values, it.cursor, it.err = it.page(it.cursor)
		it.last = it.cursor == ""
		it.at = 0
	}
	return true
}

// Value is the present one, where Next gave true.
func (it *Iterator[T]) Value() T { return it.values[it.at] }

// Err tells why the iteration ended; nil at its regular end.
func (it *Iterator[T]) Err() error { return it.err }

// All gives the values that are left.
func (it *Iterator[T]) All() ([]T, error) {
	var all []T
	for it.Next() {
		all = append(all, it.Value())
	}
	return all, it.Err()
}
