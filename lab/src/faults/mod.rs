//! `cargo lab faults`: plants bugs in a copy of the subject, and looks whether the engines see them.
//!
//! A check that was never red is not a check. Each fault breaks one contract; the engines that it
//! names must turn red in a check of that contract, by that check's own word. The same checks on the copy
//! without a fault are the control: they must be green first.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@file`] | a fault, as it lies in `faults/` |
//! | [`plan`] | which faults meet which engines, and in which order |
//! | [`scratch`] | the copy |
//! | [`cell`] | what came of one fault and one engine, and what counts as seen |
//! | [`store`] | finished cells, and the keys by which they are trusted |
//! | [`proven`] | contracts of which a fault was caught |
//! | [`mod@refresh`] | patches that no longer fit |
//! | [`view`] | tables |

mod cell;
mod file;
mod plan;
pub(crate) mod proven;
mod refresh;
mod scratch;
mod store;
mod view;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use self::cell::{Control, Verdict};
use self::file::Fault;
use self::plan::Planned;
use self::proven::Proven;
use self::scratch::Scratch;
use self::store::{Cell, Keys, Store};
use self::view::Row;
use crate::engine::ask::Question;
use crate::engine::libfuzzer::go::FuzzTests;
use crate::engine::{Context, Engine, Subject};
use crate::host::child;
use crate::host::machine::ours;
use crate::host::out;
use crate::host::progress::Progress;
use crate::host::tools::{self, Tools};
use crate::host::workspace::Workspace;
use crate::record::profile::Profile;
use crate::record::results::RunFolder;

/// Options of the command.
#[derive(Default)]
pub(crate) struct Wish {
    /// Faults by name; all if there are none.
    pub(crate) ids: Vec<String>,
    /// Engines by name; all if there are none.
    pub(crate) only: Vec<String>,
    /// One fault of each engine and layer.
    pub(crate) quick: bool,
    /// Finished cells are done again.
    pub(crate) again: bool,
}

impl Wish {
    /// True if every fault is planted for the engines in question.
    fn is_complete(&self) -> bool {
        self.ids.is_empty() && !self.quick
    }
}

/// Plants faults, and returns whether every one was seen.
pub(crate) fn faults(
    workspace: &Workspace,
    wish: &Wish,
    fuzz_tests: &dyn FuzzTests,
) -> Result<bool> {
    let subject = Subject::load(workspace)?;
    let planted = plant(workspace, &subject, wish, fuzz_tests)?;
    out::print(view::report(&planted.rows, &planted.never_red))?;
    let proven = Proven::load(workspace, &subject)?;
    out::line(proven.headline(&subject.catalogue))?;
    Ok(planted.is_green())
}

/// Makes the patches of these faults fit again; without ids, of all that do not fit. A conflict is told
/// and leaves its patch as it is; the others are done all the same.
pub(crate) fn refresh(workspace: &Workspace, ids: &[String]) -> Result<()> {
    let all = load(workspace, &Subject::load(workspace)?)?;
    let mut conflicts = 0;
    for fault in chosen(&all, ids)? {
        if ids.is_empty() && fault.apply(workspace.root()).is_ok() {
            continue;
        }
        if let Err(error) = refresh::refresh(workspace, fault) {
            out::say(format_args!("{error:#}"));
            conflicts += 1;
        }
    }
    ensure!(conflicts == 0, "{conflicts} patches are left as they were");
    Ok(())
}

/// Prints the faults, and what is known of them.
pub(crate) fn list(workspace: &Workspace, wish: &Wish) -> Result<()> {
    let subject = Subject::load(workspace)?;
    let all = load(workspace, &subject)?;
    let cells = plan::all(
        chosen(&all, &wish.ids)?.into_iter(),
        &subject.engines.select(&wish.only)?,
    );
    let cells = if wish.quick {
        plan::quick(&cells)
    } else {
        cells
    };
    let keys = Keys::of(workspace, &subject.engines)?;
    let finished = store::load(workspace);
    out::print(view::list(cells.iter().map(|it| {
        let cell = finished.get(&keys.fault(it.engine, it.fault));
        (*it, cell.and_then(Cell::verdict))
    })))
}

fn load(workspace: &Workspace, subject: &Subject) -> Result<Vec<Fault>> {
    let names = subject.engines.names();
    file::load(&workspace.path("faults"), &subject.catalogue, &names)
}

/// The faults of these names, or all.
fn chosen<'a>(all: &'a [Fault], ids: &[String]) -> Result<Vec<&'a Fault>> {
    for id in ids {
        ensure!(
            all.iter().any(|fault| fault.id == *id),
            "there is no fault `{id}`; the folders in faults/ are their names"
        );
    }
    let wanted = |fault: &&Fault| ids.is_empty() || ids.contains(&fault.id);
    Ok(all.iter().filter(wanted).collect())
}

/// Result of a run.
struct Planted {
    rows: Vec<Row>,
    /// Engine and test of each model that no fault turned red.
    never_red: Vec<(String, String)>,
}

impl Planted {
    /// True if every fault that was planted was seen, and any was.
    fn is_green(&self) -> bool {
        self.rows.iter().all(|row| row.verdict.is_green())
            && self.rows.iter().any(|row| row.verdict.is_detected())
            && self.never_red.is_empty()
    }
}

/// Plants the selected faults.
fn plant(
    workspace: &Workspace,
    subject: &Subject,
    wish: &Wish,
    fuzz_tests: &dyn FuzzTests,
) -> Result<Planted> {
    let all = load(workspace, subject)?;
    let engines = subject.engines.select(&wish.only)?;
    let mut cells = plan::all(chosen(&all, &wish.ids)?.into_iter(), &engines);
    if wish.quick {
        cells = plan::quick(&cells);
    }
    ensure!(!cells.is_empty(), "no fault names one of these engines");
    let keys = Keys::of(workspace, &subject.engines)?;
    // Those of the engines that are not asked this time are kept, too.
    let every = plan::all(all.iter(), &subject.engines.select(&[])?);
    let mut store = Store::open(workspace, &keys.wanted(&every))?;
    let progress = Progress::new();
    let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
    let mut open = Vec::new();
    for (number, cell) in cells.iter().enumerate() {
        let finished = store.get(&keys.fault(cell.engine, cell.fault));
        match finished
            .filter(|_| !wish.again)
            .and_then(Row::finished(cell))
        {
            Some(row) => {
                rows.insert(number, row);
            }
            None => open.push(number),
        }
    }
    if !rows.is_empty() {
        progress.line(&format!(
            "{} of {} are known from earlier runs",
            rows.len(),
            cells.len()
        ));
    }
    if !open.is_empty() {
        let copy = Scratch::of(workspace);
        // Before the run's folder is made in it: only a checkout has a catalogue to keep.
        copy.lay_out(&BTreeMap::new())?;
        // What was asked for by name must be there.
        let lacking = |engine: &dyn Engine| match wish.only.as_slice() {
            [] => tools::lacking(engine.needs()),
            _ => None,
        };
        let mut needs = Vec::new();
        let mut unable = BTreeMap::new();
        for engine in open.iter().map(|number| cells[*number].engine) {
            match lacking(engine) {
                Some(why) => drop(unable.insert(engine.name().to_owned(), why)),
                None => needs.extend(engine.needs()),
            }
        }
        let tools = Tools::find(workspace, &needs, &progress)?;
        let folder = RunFolder::create(copy.workspace(), &progress)?;
        let mut planting = Planting {
            copy: &copy,
            subject,
            keys: &keys,
            store: &mut store,
            again: wish.again,
            context: Context {
                workspace: copy.workspace(),
                file: &subject.file,
                catalogue: &subject.catalogue,
                tools: &tools,
                profile: Profile::Quick,
                run: &folder,
                progress: &progress,
                fuzz_tests,
            },
            unable,
        };
        let mut controlled: Option<&str> = None;
        for (done, number) in open.iter().enumerate() {
            let cell = &cells[*number];
            let build = cell.engine.build().folder.as_str();
            if controlled != Some(build) {
                copy.seed(build)?;
                let of_build = open.iter().map(|number| &cells[*number]);
                planting.controls(of_build.filter(|it| it.engine.build().folder == build))?;
                controlled = Some(build);
            }
            progress.step(format!(
                "{} of {}: {} and {}",
                done + 1,
                open.len(),
                cell.engine.name(),
                cell.fault.id
            ));
            let row = planting.plant(cell)?;
            progress.line(&row.line());
            rows.insert(*number, row);
        }
        // The next build is without faults.
        copy.lay_out(&BTreeMap::new())?;
    }
    let never_red = if wish.is_complete() {
        never_red(&cells, &rows, &keys, &store)
    } else {
        Vec::new()
    };
    progress.finish();
    Ok(Planted {
        rows: rows.into_values().collect(),
        never_red,
    })
}

/// The models that were asked and that no fault turned red.
fn never_red(
    cells: &[Planned<'_>],
    rows: &BTreeMap<usize, Row>,
    keys: &Keys,
    store: &Store,
) -> Vec<(String, String)> {
    let mut never = BTreeSet::new();
    let models = || {
        cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.engine.explores())
    };
    for (_, cell) in models() {
        for contract in cell.fault.contracts() {
            let control = store.get(&keys.control(cell.engine, &contract));
            if let Some(Control::Green(checks)) = control.and_then(Cell::control) {
                never.extend(
                    checks
                        .iter()
                        .map(|check| (cell.engine.name().to_owned(), check.clone())),
                );
            }
        }
    }
    for (number, cell) in models() {
        if let Some(Verdict::Detected(checks)) = rows.get(&number).map(|row| &row.verdict) {
            for check in checks {
                never.remove(&(cell.engine.name().to_owned(), check.clone()));
            }
        }
    }
    never.into_iter().collect()
}

/// The copy at work.
struct Planting<'a> {
    copy: &'a Scratch<'a>,
    subject: &'a Subject,
    keys: &'a Keys,
    store: &'a mut Store,
    again: bool,
    context: Context<'a>,
    /// Engines that this machine cannot run, with the reason.
    unable: BTreeMap<String, String>,
}

impl Planting<'_> {
    /// Asks engines without a fault about every contract that these cells ask about.
    fn controls<'b>(&mut self, cells: impl Iterator<Item = &'b Planned<'b>>) -> Result<()> {
        let mut wanted: BTreeMap<&str, (&dyn Engine, BTreeSet<String>)> = BTreeMap::new();
        for cell in cells {
            let (_, contracts) = wanted
                .entry(cell.engine.name())
                .or_insert_with(|| (cell.engine, BTreeSet::new()));
            contracts.extend(cell.fault.contracts());
        }
        self.copy.lay_out(&BTreeMap::new())?;
        for (name, (engine, mut contracts)) in wanted {
            if self.unable.contains_key(name) {
                continue;
            }
            let known = |contract: &String| {
                let key = self.keys.control(engine, contract);
                let control = self.store.get(&key).and_then(Cell::control);
                !self.again && matches!(control, Some(Control::Green(_)))
            };
            contracts.retain(|contract| !known(contract));
            if contracts.is_empty() {
                continue;
            }
            self.context.progress.step(format!(
                "{name}: control, {} contracts without a fault",
                contracts.len()
            ));
            if let Some(why) = engine.unable(&self.context)? {
                self.unable.insert(name.to_owned(), why);
                continue;
            }
            let question = Question {
                contracts: contracts.clone(),
                broken: None,
                log: "control".to_owned(),
            };
            let answers = engine.ask(&self.context, &question)?;
            self.stop_if_asked()?;
            let lasts = self.is_unchanged()?;
            for contract in contracts {
                let control = cell::control(&answers, &contract);
                let key = self.keys.control(engine, &contract);
                let cell = Cell::of_control(key, name, &contract, control);
                self.store.add(cell, lasts)?;
            }
        }
        Ok(())
    }

    /// Plants the fault, asks the engine, and keeps what came of it.
    fn plant(&mut self, cell: &Planned<'_>) -> Result<Row> {
        let started = Instant::now();
        let verdict = self.verdict(cell)?;
        self.stop_if_asked()?;
        let seconds = started.elapsed().as_secs_f64();
        if verdict.lasts() {
            let key = self.keys.fault(cell.engine, cell.fault);
            let mut kept = Cell::of_fault(key, cell.engine.name(), cell.fault, verdict.clone());
            kept.seconds = seconds;
            let lasts = self.is_unchanged()?;
            self.store.add(kept, lasts)?;
        }
        Ok(Row::new(cell, verdict, seconds))
    }

    fn verdict(&self, cell: &Planned<'_>) -> Result<Verdict> {
        let (engine, fault) = (cell.engine, cell.fault);
        if let Some(why) = self.unable.get(engine.name()) {
            return Ok(Verdict::Skipped(why.clone()));
        }
        for contract in fault.contracts() {
            let control = self.store.get(&self.keys.control(engine, &contract));
            if let Some(Control::Red(why)) = control.and_then(Cell::control) {
                return Ok(Verdict::ControlRed(why.clone()));
            }
        }
        let changed = match fault.apply(self.copy.original().root()) {
            Ok(changed) => changed,
            Err(error) => {
                let refresh = ours(&format!("faults refresh {}", fault.id));
                let why = format!("{error:#}; try `{refresh}`");
                return Ok(Verdict::DoesNotApply(why));
            }
        };
        self.copy.lay_out(&changed)?;
        let question = Question {
            contracts: fault.contracts(),
            broken: Some(fault.contract.clone()),
            log: fault.id.clone(),
        };
        let answers = engine.ask(&self.context, &question)?;
        Ok(cell::judge(&answers, &fault.contract))
    }

    /// True if the checkout is what the keys were made of. It is copied anew for each fault, so one that was
    /// edited meanwhile gives answers that belong to no key.
    fn is_unchanged(&self) -> Result<bool> {
        Ok(Keys::of(self.copy.original(), &self.subject.engines)? == *self.keys)
    }

    fn stop_if_asked(&self) -> Result<()> {
        if child::interrupted() {
            bail!("stopped; what was finished is kept, and the next run goes on from there");
        }
        Ok(())
    }
}
