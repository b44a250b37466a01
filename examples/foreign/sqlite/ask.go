// Package ask answers questions in SQL that strangers write.
package ask

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

const (
	// The longest that an answer may take.
	patience = time.Second
	// The most rows of an answer.
	enough = 100
	// The longest text or blob.
	length = 64 << 10
)

// Library is a table of books: `books(title, year)`.
type Library struct {
	db *sql.DB
}

// Open makes a library in memory.
func Open() (*Library, error) {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return nil, err
	}
	// Each connection would have a memory of its own.
	db.SetMaxOpenConns(1)
	l := &Library{db}
	if err := l.fill(); err != nil {
		db.Close()
		return nil, err
	}
	return l, nil
}

// Close frees the library.
func (l *Library) Close() error {
	return l.db.Close()
}

func (l *Library) fill() error {
	_, err := l.db.Exec(`CREATE TABLE books (title TEXT, year INTEGER);
		INSERT INTO books VALUES ('Emma', 1815), ('Dracula', 1897), ('Ulysses', 1922)`)
	if err != nil {
		return err
	}
	conn, err := l.db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error {
		c := driver.(*sqlite3.SQLiteConn)
		c.SetLimit(sqlite3.SQLITE_LIMIT_LENGTH, length)
		c.RegisterAuthorizer(readOnly)
		return nil
	})
}

// readOnly is asked by SQLite, while it prepares a statement, for each thing that the statement would do.
func readOnly(op int, _, _, _ string) int {
	switch op {
	case sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, recursive:
		return sqlite3.SQLITE_OK
	}
	return sqlite3.SQLITE_DENY
}

// SQLITE_RECURSIVE, which the package does not name.
const recursive = 33

// Ask returns the rows that a question is answered with.
func (l *Library) Ask(question string) ([][]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	prepared, err := l.db.PrepareContext(ctx, question)
	if err != nil {
		return nil, err
	}
	defer prepared.Close()
	rows, err := prepared.QueryContext(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var found [][]any
	for len(found) < enough && rows.Next() {
		row := make([]any, len(columns))
		places := make([]any, len(columns))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

// Quote is a text as SQL has it.
func Quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}
