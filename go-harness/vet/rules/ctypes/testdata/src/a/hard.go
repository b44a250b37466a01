package a

/*
typedef struct { int n; } thing;
typedef unsigned short word;
typedef struct { word Data; } guid;
typedef int (*hook)(int);
typedef struct lib lib;
enum level { LOW, HIGH };
static int count(int n) { return n; }
static int level_of(lib *l) { return 0; }
*/
import "C"

// Code is a type of its own.
type Code C.int

// Thing is one that is made by conversion.
type Thing C.thing

// Guid is one whose fields are C's, and have capitals there.
type Guid C.guid

const High = Code(C.HIGH)

func Count(n int) int { return int(C.count(C.int(n))) }

func (c Code) Bad() bool { return c != 0 }

func hidden(p *C.lib) C.int { return C.level_of(p) }

type private struct{ N C.int }

func (p private) Get() C.int { return p.N }

type lib struct{ Lib }

// Things can be written down: Alias is a name of their type.
func Things() []C.thing { return nil }

// Called is for C.
//
//export Called
func Called(n C.int) {}
