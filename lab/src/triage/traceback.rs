//! Reads the goroutines that Go prints when it dies, for machines without a debugger.

use super::stopped::{Frame, Goroutine};

/// The goroutines in a program's output. If it has several tracebacks, those of the last one.
pub(crate) fn goroutines(output: &str) -> Vec<Goroutine> {
    let mut found: Vec<Goroutine> = Vec::new();
    let mut open = false;
    for line in output.lines() {
        if let Some((id, state)) = header(line) {
            found.retain(|it| it.id != id);
            found.push(Goroutine {
                id,
                state,
                ..Goroutine::default()
            });
            open = true;
        } else if line.trim().is_empty() {
            open = false;
        } else if let Some(goroutine) = found.last_mut().filter(|_| open) {
            match place(line) {
                Some((file, number)) => {
                    if let Some(frame) = goroutine.frames.last_mut() {
                        frame.file = Some(file.to_owned());
                        frame.line = Some(number);
                    }
                }
                None => goroutine.frames.push(Frame {
                    function: Some(function(line)),
                    ..Frame::default()
                }),
            }
        }
    }
    found
}

/// Reads the head of a goroutine: `goroutine 7 gp=0xc0001 m=nil [chan receive, 2 minutes]:`
fn header(line: &str) -> Option<(u64, String)> {
    let rest = line.strip_prefix("goroutine ")?;
    let (id, rest) = rest.split_once(' ')?;
    let state = rest.split_once('[')?.1.split_once("]:")?.0;
    let state = state.split(',').next().unwrap_or_default();
    Some((id.parse().ok()?, state.to_owned()))
}

/// Reads file and line from `/a/b.go:12 +0x1d` behind a tab.
fn place(line: &str) -> Option<(&str, u32)> {
    let rest = line.strip_prefix('\t')?;
    let place = rest.split(" +0x").next().unwrap_or(rest);
    let place = place.split(" fp=").next().unwrap_or(place);
    let (file, number) = place.rsplit_once(':')?;
    Some((file, number.trim().parse().ok()?))
}

/// A call without its arguments, `a/b.f` from `a/b.f(0x1, …)`; `created by a/b.g in goroutine 1` unchanged.
fn function(line: &str) -> String {
    match line.rsplit_once('(') {
        Some((function, _)) if line.ends_with(')') => function.to_owned(),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "SIGSEGV: segmentation violation\n\ngoroutine 4 gp=0x1 m=0 mp=0x2 [syscall]:\n\
        runtime.cgocall(0x53, 0x61)\n\t/go/src/runtime/cgocall.go:167 +0x4b fp=0x1 sp=0x2 pc=0x3\n\
        a/b.(*T).f(...)\n\t/x/b.go:12\ncreated by testing.(*T).Run in goroutine 1\n\
        \t/go/src/testing/testing.go:5 +0x1\n\ngoroutine 5 [chan receive, 2 minutes]:\na/b.g()\n\
        \t/x/b.go:20 +0x1\n\nrax    0x0\n";

    #[test]
    fn goroutines_are_read_with_state_and_places() {
        let found = goroutines(TEXT);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].id, found[0].state.as_str()), (4, "syscall"));
        let names: Vec<&str> = found[0].frames.iter().map(Frame::name).collect();
        assert_eq!(
            names,
            [
                "runtime.cgocall",
                "a/b.(*T).f",
                "created by testing.(*T).Run in goroutine 1"
            ]
        );
        assert_eq!(found[0].frames[1].file.as_deref(), Some("/x/b.go"));
        assert_eq!(found[0].frames[1].line, Some(12));
        assert_eq!(
            (found[1].state.as_str(), found[1].frames.len()),
            ("chan receive", 1)
        );
    }

    #[test]
    fn a_second_traceback_takes_the_place_of_the_first() {
        assert_eq!(goroutines(&format!("{TEXT}{TEXT}")).len(), 2);
        assert!(goroutines("goroutine leak? [no]").is_empty());
    }
}
