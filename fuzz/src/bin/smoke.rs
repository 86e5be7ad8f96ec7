//! Feeds every target with mutations of its seeds, and counts the memory that each input takes.
//!
//! The same seed and count give the same inputs. A panic or too much memory ends it with status 1, the input in
//! hexadecimal, and the arguments that feed it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use fastrand::Rng;
use fuzz::{TARGETS, Target, mutate};
use lexopt::prelude::*;

const HELP: &str = "\
smoke [--inputs N] [--seed N] [TARGET...]     feed N inputs in all (200 000) to the targets (all of them)
smoke --input HEX TARGET                      feed one input";

struct Arguments {
    inputs: u64,
    seed: u64,
    input: Option<Vec<u8>>,
    targets: Vec<Target>,
}

fn main() -> ExitCode {
    let outcome = parse().and_then(|arguments| run(&arguments).map_err(Into::into));
    if let Err(error) = outcome {
        eprintln!("smoke: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn parse() -> Result<Arguments, lexopt::Error> {
    let mut arguments = Arguments {
        inputs: 200_000,
        seed: 1,
        input: None,
        targets: Vec::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("inputs") => arguments.inputs = parser.value()?.parse()?,
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            Long("input") => arguments.input = Some(parser.value()?.parse_with(bytes)?),
            Value(name) => {
                let named = TARGETS.iter().find(|target| name == target.name);
                arguments
                    .targets
                    .push(*named.ok_or_else(|| format!("no target {name:?}; {HELP}"))?);
            }
            Long("help") => return Err(HELP.into()),
            other => return Err(other.unexpected()),
        }
    }
    if arguments.targets.is_empty() {
        arguments.targets = TARGETS.to_vec();
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    if let Some(input) = &arguments.input {
        let [target] = &arguments.targets[..] else {
            return Err("one input is for one target".into());
        };
        return feed(target, input)
            .map(|bytes| println!("{}: {bytes} bytes of memory", target.name));
    }
    let share = arguments.inputs.div_ceil(arguments.targets.len() as u64);
    for target in &arguments.targets {
        feed_mutations(target, share, arguments.seed)?;
    }
    Ok(())
}

fn feed_mutations(target: &Target, count: u64, seed: u64) -> Result<(), String> {
    let seeds = seeds(target.name)?;
    let started = Instant::now();
    let (mut most, mut densest) = (0, 0.0_f64);
    let mut rng = Rng::with_seed(seed);
    // What is set up once, such as sockets, is not what an input takes.
    (target.run)(&seeds[0].1);
    for at in 0..count {
        let (path, from) = &seeds[(at % seeds.len() as u64) as usize];
        let mut input = from.clone();
        if at >= seeds.len() as u64 {
            let other = &seeds[rng.usize(0..seeds.len())].1;
            mutate::mutate(&mut input, other, target.words, target.longest, &mut rng);
        }
        let bytes = feed(target, &input).map_err(|error| {
            let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
            format!(
                "{error}\n  input {at} of --seed {seed}, made of {}\n  smoke --input {hex} {}",
                path.display(),
                target.name
            )
        })?;
        most = most.max(bytes);
        densest = densest.max(bytes as f64 / target.most_bytes(input.len()) as f64);
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{:22} {count} inputs of {} seeds in {seconds:.1} s; memory of an input: {most} bytes at most, {:.0} % of its bound",
        target.name,
        seeds.len(),
        densest * 100.0
    );
    Ok(())
}

/// Runs a target on one input. The most bytes it held at one time.
fn feed(target: &Target, input: &[u8]) -> Result<u64, String> {
    let mut outcome = Ok(());
    let memory = allocation_counter::measure(|| {
        outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    });
    let bound = target.most_bytes(input.len());
    if outcome.is_err() {
        return Err(format!("{} panicked", target.name));
    }
    if memory.bytes_max > bound {
        return Err(format!(
            "{} held {} bytes for an input of {}; {bound} are allowed",
            target.name,
            memory.bytes_max,
            input.len()
        ));
    }
    Ok(memory.bytes_max)
}

/// The seeds of a target, in the order of their names.
fn seeds(name: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(name);
    let failed = |error| format!("{}: {error}", folder.display());
    let entries = folder
        .read_dir()
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let mut paths: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.sort();
    let read = |path: PathBuf| {
        std::fs::read(&path)
            .map(|bytes| (path, bytes))
            .map_err(failed)
    };
    let seeds = paths.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if seeds.is_empty() {
        Err(format!("{} has no seeds", folder.display()))
    } else {
        Ok(seeds)
    }
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).ok_or("not hexadecimal");
    let pair = |pair: &[u8]| match pair {
        [high, low] => Ok((digit(*high)? << 4 | digit(*low)?) as u8),
        _ => Err("half a byte".to_owned()),
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}
