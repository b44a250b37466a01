//! The text form: one line for each step, for people.
//!
//! ```text
//! # A counter of one, of which two lanes take at the same time.
//! scenario 1
//! 0: Make count=1
//! barrier
//! 1: Take counter=0
//! 2: Take counter=0
//! end
//! ```
//!
//! The first line has the version of the bytes form that knows the names. A step has its lane, its operation
//! and its fields, in any order; one that is left out has its first value, as in the bytes form. Steps come
//! one after the other up to the `barrier`, where the lanes wait for each other; those after it come at the
//! same time, in their order within each lane. The `end` tells a whole scenario from one that was cut off.
//! `#` begins a comment.
//!
//! Names are those of the table of operations: [`operations!`](crate::operations) and
//! [`values!`](crate::values) say all that is needed here. The parser is written by hand: no line depends on
//! another, so that a grammar would be longer than its reader.

use std::fmt;
use std::ops::Range;

use ariadne::{CharSet, Config, IndexType, Label, Report, ReportKind, Source};

use crate::bytes::MAX_STEPS;
use crate::operation::{Field, LANES, Operation, Step};

/// The first word of a scenario.
pub const BEGIN: &str = "scenario";
const BARRIER: &str = "barrier";
const END: &str = "end";
const COMMENT: char = '#';

/// Names whose likeness, from 0 to 1, is less are not meant for each other.
const LIKENESS: f64 = 0.6;

/// Steps one after the other, and then steps of several lanes at the same time. Displays as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario<Op> {
    /// Before the barrier.
    pub steps: Vec<Step<Op>>,
    /// After it, in the order within each lane.
    pub together: Vec<Step<Op>>,
}

impl<Op> From<Vec<Step<Op>>> for Scenario<Op> {
    fn from(steps: Vec<Step<Op>>) -> Self {
        Scenario {
            steps,
            together: Vec::new(),
        }
    }
}

impl<Op: Operation> fmt::Display for Scenario<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{BEGIN} {}", Op::VERSION)?;
        for step in &self.steps {
            writeln!(f, "{}", Line(step))?;
        }
        if !self.together.is_empty() {
            writeln!(f, "{BARRIER}")?;
        }
        for step in &self.together {
            writeln!(f, "{}", Line(step))?;
        }
        writeln!(f, "{END}")
    }
}

/// A step, which displays as its line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a, Op>(pub &'a Step<Op>);

impl<Op: Operation> fmt::Display for Line<'_, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Step { lane, op } = *self.0;
        let (number, operands) = op.encode();
        write!(f, "{lane}: {}", op.name())?;
        for Field {
            name,
            operand,
            values,
        } in Op::FIELDS[usize::from(number)]
        {
            let byte = operands[*operand];
            match values.get(usize::from(byte)) {
                Some(value) => write!(f, " {name}={value}")?,
                None => write!(f, " {name}={byte}")?,
            }
        }
        Ok(())
    }
}

/// A mistake in a text, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The bytes that it is about.
    pub place: Range<usize>,
    /// A sentence.
    pub text: String,
    /// The way to mend it.
    pub help: String,
}

impl Mistake {
    /// The mistake with file, line, column and a mark under the place.
    pub fn report(&self, file: &str, source: &[u8]) -> String {
        // A byte that is no text becomes a longer mark; what comes before keeps its place.
        let source = String::from_utf8_lossy(source);
        let place =
            source.floor_char_boundary(self.place.start)..source.ceil_char_boundary(self.place.end);
        let config = Config::new()
            .with_color(false)
            .with_char_set(CharSet::Ascii)
            .with_index_type(IndexType::Byte);
        let report = Report::build(ReportKind::Error, (file, place.clone()))
            .with_config(config)
            .with_message(&self.text)
            .with_label(Label::new((file, place)).with_message(&self.help))
            .finish();
        let mut text = Vec::new();
        report
            .write((file, Source::from(&*source)), &mut text)
            .expect("writing to memory cannot fail");
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Reads a scenario.
///
/// # Errors
/// The first mistake.
pub fn parse<Op: Operation>(source: &[u8]) -> Result<Scenario<Op>, Mistake> {
    let text = std::str::from_utf8(source).map_err(|error| {
        let at = error.valid_up_to();
        Mistake {
            place: at..at + 1,
            text: "this is not UTF-8".to_owned(),
            help: "a scenario is a text in UTF-8".to_owned(),
        }
    })?;
    let mut reader = Reader::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let code = line
            .find(COMMENT)
            .map_or(line, |comment| &line[..comment])
            .trim_end();
        reader.line(Words::of(code, at))?;
        at += line.len();
    }
    reader.finish(text.trim_end().len())
}

/// A word and its place.
type Word<'a> = (&'a str, Range<usize>);

/// The words of a line.
struct Words<'a> {
    words: std::vec::IntoIter<Word<'a>>,
    end: usize,
}

impl<'a> Words<'a> {
    fn of(line: &'a str, at: usize) -> Words<'a> {
        let words = line.split_whitespace().map(|word| {
            let start = at + word.as_ptr().addr() - line.as_ptr().addr();
            (word, start..start + word.len())
        });
        let words: Vec<_> = words.collect();
        Words {
            words: words.into_iter(),
            end: at + line.len(),
        }
    }

    /// The next word, which must be there.
    fn expect(&mut self, what: &str) -> Result<Word<'a>, Mistake> {
        let end = self.end;
        self.words.next().ok_or_else(|| {
            let help = format!("{what} belongs here");
            mistake(end.saturating_sub(1)..end, "the line is cut off", help)
        })
    }

    /// The end of the line, at which no word may be left.
    fn finish(mut self) -> Result<(), Mistake> {
        match self.words.next() {
            Some((word, place)) => {
                let text = format!("`{word}` is too much");
                Err(mistake(place, text, "nothing may follow here"))
            }
            None => Ok(()),
        }
    }
}

fn mistake(place: Range<usize>, text: impl Into<String>, help: impl Into<String>) -> Mistake {
    Mistake {
        place,
        text: text.into(),
        help: help.into(),
    }
}

/// The scenario so far.
struct Reader<Op> {
    scenario: Scenario<Op>,
    part: Part,
}

/// A part of a scenario's text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Steps,
    Together,
    Ended,
}

impl<Op> Default for Reader<Op> {
    fn default() -> Self {
        Reader {
            scenario: Scenario::from(Vec::new()),
            part: Part::Nothing,
        }
    }
}

impl<Op: Operation> Reader<Op> {
    fn line(&mut self, mut words: Words<'_>) -> Result<(), Mistake> {
        let Some((first, place)) = words.words.as_slice().first().cloned() else {
            return Ok(());
        };
        match (self.part, first) {
            (Part::Nothing, BEGIN) => {
                words.words.next();
                let (word, place) = words.expect("the version")?;
                version::<Op>(word, place)?;
                self.part = Part::Steps;
                words.finish()
            }
            (Part::Nothing, _) => {
                let help = format!("the first line is `{BEGIN} {}`", Op::VERSION);
                Err(mistake(place, "this is not a scenario", help))
            }
            (Part::Ended, _) => {
                let text = format!("`{first}` stands after the `{END}`");
                Err(mistake(place, text, "a file has one scenario"))
            }
            (_, END) => {
                words.words.next();
                self.part = Part::Ended;
                words.finish()
            }
            (Part::Steps, BARRIER) => {
                words.words.next();
                self.part = Part::Together;
                words.finish()
            }
            (Part::Together, BARRIER) => {
                let help = "what comes after the first comes at the same time";
                Err(mistake(place, "a second barrier", help))
            }
            (Part::Steps | Part::Together, _) => {
                let Scenario { steps, together } = &mut self.scenario;
                if steps.len() + together.len() == MAX_STEPS {
                    let text = format!("more than {MAX_STEPS} steps");
                    return Err(mistake(place, text, "this one is too many"));
                }
                let step = step(words)?;
                match self.part {
                    Part::Together => together.push(step),
                    _ => steps.push(step),
                }
                Ok(())
            }
        }
    }

    fn finish(self, end: usize) -> Result<Scenario<Op>, Mistake> {
        let last = end.saturating_sub(1)..end;
        match self.part {
            Part::Ended => Ok(self.scenario),
            Part::Nothing => {
                let help = format!("the first line is `{BEGIN} {}`", Op::VERSION);
                Err(mistake(last, "there is no scenario", help))
            }
            Part::Steps | Part::Together => {
                let help = format!("a scenario's last line is `{END}`");
                Err(mistake(last, "the scenario is cut off", help))
            }
        }
    }
}

fn version<Op: Operation>(word: &str, place: Range<usize>) -> Result<(), Mistake> {
    match word.parse::<u8>() {
        Ok(version) if (1..=Op::VERSION).contains(&version) => Ok(()),
        Ok(version) if version > Op::VERSION => {
            let text = format!("a scenario of version {version}");
            let help = format!(
                "this program knows versions up to {}: use the one that wrote it, or a newer one",
                Op::VERSION
            );
            Err(mistake(place, text, help))
        }
        _ => {
            let text = format!("`{word}` is no version");
            Err(mistake(place, text, format!("from 1 to {}", Op::VERSION)))
        }
    }
}

fn step<Op: Operation>(mut words: Words<'_>) -> Result<Step<Op>, Mistake> {
    let (word, place) = words.expect("a lane")?;
    let lane = word.strip_suffix(':').and_then(|lane| lane.parse().ok());
    let Some(lane) = lane.filter(|lane| *lane < LANES) else {
        let text = format!("`{word}` is no lane");
        let help = format!("a step begins with its lane, from `0:` to `{}:`", LANES - 1);
        return Err(mistake(place, text, help));
    };
    let (word, place) = words.expect("an operation")?;
    let number = named(Op::NAMES, word)
        .ok_or_else(|| unknown("operation", word, place, Op::NAMES.iter().copied()))?;
    let fields = Op::FIELDS[number];
    let mut operands = [0; 3];
    let mut given = [false; 3];
    for (word, place) in words.words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let field = fields.iter().find(|field| field.name == name);
        let Some(field) = field else {
            let whole = place.start..place.start + name.len();
            let known = fields.iter().map(|field| field.name);
            return Err(unknown("field", name, whole, known));
        };
        if std::mem::replace(&mut given[field.operand], true) {
            let text = format!("`{name}` is given twice");
            return Err(mistake(place, text, "say it once"));
        }
        let whole = (place.start + name.len() + 1).min(place.end - 1)..place.end;
        operands[field.operand] = operand(field, value, whole)?;
    }
    let number = u8::try_from(number).expect("a byte numbers an operation");
    Ok(Step {
        lane,
        op: Op::decode(number, operands, Op::VERSION),
    })
}

fn operand(field: &Field, value: &str, place: Range<usize>) -> Result<u8, Mistake> {
    if field.values.is_empty() {
        return value.parse().map_err(|_| {
            let text = format!("`{value}` is no {}", field.name);
            mistake(place, text, "a number from 0 to 255")
        });
    }
    let number = named(field.values, value)
        .ok_or_else(|| unknown(field.name, value, place, field.values.iter().copied()))?;
    Ok(u8::try_from(number).expect("a byte numbers a value"))
}

fn named(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

/// A name that is not among those that are known.
fn unknown<'a>(
    what: &str,
    name: &str,
    place: Range<usize>,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Mistake {
    let like = |known: &&str| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
    let nearest = known
        .clone()
        .max_by(|one, other| like(one).total_cmp(&like(other)));
    let help = match nearest {
        Some(nearest) if like(&nearest) >= LIKENESS => format!("did you mean `{nearest}`?"),
        Some(_) => format!("one of {}", known.collect::<Vec<_>>().join(", ")),
        None => "the operation has no field".to_owned(),
    };
    mistake(place, format!("there is no {what} `{name}`"), help)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bytes::{decode, encode};
    use crate::operation::Form;

    crate::values! {
        /// A size.
        enum Size {
            known: [1: 2],
            /// The first.
            Small,
            /// The second.
            Large,
            /// One that version 1 did not have.
            Huge,
        }
    }

    crate::operations! {
        /// A table with two versions.
        enum Op {
            older: [Form { operations: 2, operands: 2 }],
            row: (),
            /// Fields in an order that is not that of the operands.
            Make = 0, () => {
                /// The third operand.
                size: Size = 2,
                /// The first.
                count: u8 = 0,
            },
            /// No field.
            Clear = 1, (),
            /// An operation that version 1 did not have.
            Resize = 2, () => {
                /// The second operand.
                size: Size = 1,
            },
        }
    }

    fn read(text: &str) -> Result<Scenario<Op>, Mistake> {
        parse(text.as_bytes())
    }

    /// The report on a text that must be wrong.
    fn refused(text: &[u8]) -> String {
        parse::<Op>(text).unwrap_err().report("a.scenario", text)
    }

    proptest! {
        // Nothing is written to disk when one fails.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_survive_the_text_form(bytes: Vec<u8>) {
            let scenario = Scenario::from(decode::<Op>(&bytes));
            let text = scenario.to_string();
            let again = read(&text).unwrap();
            prop_assert_eq!(&again, &scenario);
            prop_assert_eq!(again.to_string(), text);
            prop_assert_eq!(decode::<Op>(&encode(&again.steps)), scenario.steps);
        }

        #[test]
        fn a_barrier_survives(steps: Vec<u8>, together: Vec<u8>) {
            let half = |bytes: &[u8]| {
                let mut steps = decode::<Op>(bytes);
                steps.truncate(MAX_STEPS / 2);
                steps
            };
            let scenario = Scenario { steps: half(&steps), together: half(&together) };
            prop_assert_eq!(read(&scenario.to_string()), Ok(scenario));
        }

        #[test]
        fn any_text_is_read_or_refused_with_its_place(text: String, cut: usize) {
            let _ = parse::<Op>(text.as_bytes()).map_err(|mistake| mistake.report("a", text.as_bytes()));
            // Every beginning of a scenario is refused, be it cut in a name or between two lines.
            let whole = Scenario::from(decode::<Op>(text.as_bytes())).to_string();
            let cut = cut % (whole.trim_end().len());
            prop_assert!(read(&whole[..cut]).is_err());
        }
    }

    #[test]
    fn a_text_as_people_write_it() {
        let text = "# why\n\n scenario 1 # the version\n\t3:  Make   count=7\n0: Clear\r\n\
                    barrier\n1: Resize size=Huge\nend\n# the end\n";
        let on = |lane, op| Step { lane, op };
        let make = Op::Make {
            size: Size::Small,
            count: 7,
        };
        let resize = Op::Resize { size: Size::Huge };
        let scenario = read(text).unwrap();
        assert_eq!(scenario.steps, [on(3, make), on(0, Op::Clear)]);
        assert_eq!(scenario.together, [on(1, resize)]);
        assert_eq!(
            scenario.to_string(),
            "scenario 2\n3: Make size=Small count=7\n0: Clear\nbarrier\n1: Resize size=Huge\nend\n"
        );
    }

    #[test]
    fn a_mistake_is_shown_in_its_place() {
        let report = refused("scenario 2\n0: Clear\n1: Make size=Lrage\nend\n".as_bytes());
        let lines: Vec<_> = report.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "Error: there is no size `Lrage`",
                "   ,-[ a.scenario:3:14 ]",
                "   |",
                " 3 | 1: Make size=Lrage",
                "   |              ^^|^^",
                "   |                `---- did you mean `Large`?",
                "---'",
            ]
        );
    }

    #[test]
    fn each_mistake_has_its_words() {
        let steps = "0: Clear\n".repeat(MAX_STEPS + 1);
        let long = format!("scenario 2\n{steps}end\n");
        let most = "0: Clear\n".repeat(MAX_STEPS);
        let behind = format!("scenario 2\n0: Clear\nbarrier\n{most}end\n");
        for (text, place, says, helps) in [
            (
                &b""[..],
                ":1:1",
                "no scenario",
                "first line is `scenario 2`",
            ),
            (b"0: Clear\nend\n", ":1:1", "not a scenario", "scenario 2"),
            (b"scenario\n", ":1:8", "cut off", "the version belongs here"),
            (
                b"scenario 3\nend\n",
                ":1:10",
                "version 3",
                "up to 2: use the one that",
            ),
            (
                b"scenario 0\nend\n",
                ":1:10",
                "`0` is no version",
                "from 1 to 2",
            ),
            (
                b"scenario x\nend\n",
                ":1:10",
                "`x` is no version",
                "from 1 to 2",
            ),
            (
                b"scenario 2 2\nend\n",
                ":1:12",
                "`2` is too much",
                "nothing may",
            ),
            (
                b"scenario 2\n0: Clear\n",
                ":2:8",
                "cut off",
                "last line is `end`",
            ),
            (
                b"scenario 2\nClear\nend\n",
                ":2:1",
                "`Clear` is no lane",
                "to `3:`",
            ),
            (
                b"scenario 2\n4: Clear\nend\n",
                ":2:1",
                "`4:` is no lane",
                "to `3:`",
            ),
            (
                b"scenario 2\n1:\nend\n",
                ":2:2",
                "cut off",
                "an operation belongs",
            ),
            (
                b"scenario 2\n0: Cleer\nend\n",
                ":2:4",
                "no operation `Cleer`",
                "mean `Clear`?",
            ),
            (
                b"scenario 2\n0: Xyz\nend\n",
                ":2:4",
                "`Xyz`",
                "one of Make, Clear, Resize",
            ),
            (
                b"scenario 2\n0: Clear a=1\nend\n",
                ":2:10",
                "no field `a`",
                "no field",
            ),
            (
                b"scenario 2\n0: Make cuont=1\nend\n",
                ":2:9",
                "field `cuont`",
                "mean `count`?",
            ),
            (
                b"scenario 2\n0: Make count=256\nend\n",
                ":2:15",
                "`256` is no count",
                "to 255",
            ),
            (
                b"scenario 2\n0: Make count\nend\n",
                ":2:13",
                "`` is no count",
                "to 255",
            ),
            (
                b"scenario 2\n0: Make count=1 count=1\nend\n",
                ":2:17",
                "twice",
                "once",
            ),
            (
                b"scenario 2\nbarrier\nbarrier\nend\n",
                ":3:1",
                "second barrier",
                "same time",
            ),
            (
                b"scenario 2\nend\n0: Clear\n",
                ":3:1",
                "after the `end`",
                "one scenario",
            ),
            (
                b"scenario 2\n0: Cl\xffr\nend\n",
                ":2:6",
                "not UTF-8",
                "a text in UTF-8",
            ),
            (long.as_bytes(), ":258:1", "more than 256 steps", "too many"),
            (
                behind.as_bytes(),
                ":259:1",
                "more than 256 steps",
                "too many",
            ),
        ] {
            let report = refused(text);
            for words in [place, says, helps] {
                assert!(report.contains(words), "{words}:\n{report}");
            }
        }
    }
}
