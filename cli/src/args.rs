//! The command line: what is common to all commands. Each command's own arguments are beside it in `cmd`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use divert_vm::layer::Layer;

use crate::cmd;
use crate::codes;
use crate::console::{Outcome, Stop};
use crate::finding::Finding;

/// Compile, check, format and evaluate WinDivert packet filters.
#[derive(Debug, Parser)]
#[command(name = "divertc", version, max_term_width = 100, after_help = AFTER_HELP, subcommand_required = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Wherever a command takes a filter, an argument that ends in .dvf (text) or
.dvc (bytecode) is a file, - is standard input, one that begins with @WinDiv_
or @Divert_ is a filter object, and every other is the filter itself:
  divertc check web.dvf
  divertc compile --target windivert 'outbound and tcp.DstPort == 443'
  divertc eval 'udp.DstPort == 53' capture.pcapng

Exit status: 0 fine, 1 no (findings, nothing matched ...), 2 could not do it.";

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto, global = true)]
    #[arg(help_heading = "Messages")]
    pub(crate) color: When,
    /// How findings are written
    #[arg(long, value_name = "FORM", value_enum, default_value_t = MessageFormat::Human, global = true)]
    #[arg(help_heading = "Messages")]
    pub(crate) message_format: MessageFormat,
}

/// When to do something that terminals can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On terminals
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// For people
    Human,
    /// One JSON object per finding and line
    Json,
    /// One SARIF 2.1.0 document
    Sarif,
    /// Annotations of GitHub workflows
    Github,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Compile(cmd::compile::Compile),
    Check(cmd::check::Check),
    Format(cmd::format::Format),
    Eval(cmd::eval::Eval),
    Explain(cmd::explain::Explain),
    Fuzz(cmd::fuzz::Fuzz),
    Verify(cmd::verify::Verify),
    Disasm(cmd::disasm::Disasm),
    Divert(cmd::divert::Divert),
    Attach(cmd::attach::Attach),
    Handles(cmd::handles::Handles),
    Watch(cmd::watch::Watch),
    Kill(cmd::kill::Kill),
    Uninstall(cmd::uninstall::Uninstall),
    Sat(cmd::sat::Sat),
    Equiv(cmd::equiv::Equiv),
    Implies(cmd::implies::Implies),
    Overlap(cmd::overlap::Overlap),
    Completions(cmd::completions::Completions),
    Man(cmd::man::Man),
}

/// The layer a filter is for, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayerName {
    /// Packets to and from this machine
    Network,
    /// Packets that pass through
    Forward,
    /// Flows established and deleted
    Flow,
    /// Socket operations
    Socket,
    /// Handles opened and closed
    Reflect,
}

impl LayerName {
    /// The layer.
    pub(crate) const fn layer(self) -> Layer {
        match self {
            Self::Network => Layer::Network,
            Self::Forward => Layer::Forward,
            Self::Flow => Layer::Flow,
            Self::Socket => Layer::Socket,
            Self::Reflect => Layer::Reflect,
        }
    }
}

/// What a filter's text may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectName {
    /// Sets, subnets, masks, definitions, comments ...
    Extended,
    /// What WinDivert 2.2 accepts
    Windivert,
}

/// How filters are read.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Reading {
    /// The layer, where the filter does not say it
    #[arg(long, value_name = "LAYER", value_enum)]
    pub(crate) layer: Option<LayerName>,
    /// The language that texts are written in
    #[arg(long, value_name = "DIALECT", value_enum, default_value_t = DialectName::Extended)]
    pub(crate) dialect: DialectName,
}

/// Filters that are named by options instead of arguments.
#[derive(Debug, Default, Args)]
pub(crate) struct Forced {
    /// Read the filter from this file, whatever its name
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// Take this as filter text
    #[arg(short = 'e', long = "expression", value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) texts: Vec<String>,
}

/// A filter as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// The text itself, or an object.
    Text(String),
    /// Standard input.
    Stdin,
    /// A file, whose content decides what it is.
    File(PathBuf),
    /// A file that has to be bytecode.
    Bytecode(PathBuf),
}

impl Selection {
    /// What an argument means.
    pub(crate) fn of(argument: OsString) -> Outcome<Self> {
        if argument == "-" {
            return Ok(Self::Stdin);
        }
        let path = PathBuf::from(&argument);
        let ends = |extension: &str| argument.to_string_lossy().ends_with(extension);
        if ends(".dvf") {
            return Ok(Self::File(path));
        }
        if ends(".dvc") {
            return Ok(Self::Bytecode(path));
        }
        argument.into_string().map(Self::Text).map_err(|argument| {
            let message = format!("the filter `{}` is not UTF-8 text", argument.display());
            Finding::command(codes::NOT_TEXT, message).into()
        })
    }

    /// A file that was forced.
    pub(crate) fn file(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }

    /// The file that it is read from; `-` is standard input.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Text(_) => None,
            Self::Stdin => Some(Path::new("-")),
            Self::File(path) | Self::Bytecode(path) => Some(path),
        }
    }
}

/// Standard input, which can be read once.
#[derive(Debug, Default)]
pub(crate) struct Once(bool);

impl Once {
    /// Takes it, if that is what is selected.
    ///
    /// # Errors
    /// When it was taken before: the second reader would find nothing.
    pub(crate) fn take(&mut self, selection: &Selection) -> Outcome<()> {
        self.take_if(*selection == Selection::Stdin)
    }

    /// Takes it, if that is what an input is called.
    ///
    /// # Errors
    /// When it was taken before.
    pub(crate) fn take_input(&mut self, name: &OsStr) -> Outcome<()> {
        self.take_if(name == "-")
    }

    fn take_if(&mut self, wanted: bool) -> Outcome<()> {
        if wanted && std::mem::replace(&mut self.0, true) {
            return Err(usage("standard input can be read once only, and `-` is given twice"));
        }
        Ok(())
    }
}

impl Forced {
    /// All filters: arguments first, then files, then texts.
    pub(crate) fn all(self, arguments: Vec<OsString>) -> Outcome<Vec<Selection>> {
        let mut all = arguments.into_iter().map(Selection::of).collect::<Outcome<Vec<_>>>()?;
        all.extend(self.files.into_iter().map(Selection::file));
        all.extend(self.texts.into_iter().map(Selection::Text));
        let mut stdin = Once::default();
        all.iter().try_for_each(|selection| stdin.take(selection))?;
        Ok(all)
    }

    /// The one filter that a command takes, and the arguments that are left.
    pub(crate) fn one(self, arguments: Vec<OsString>) -> Outcome<(Selection, Vec<OsString>)> {
        let mut arguments = arguments.into_iter();
        let mut named: Vec<Selection> = self.files.into_iter().map(Selection::file).collect();
        named.extend(self.texts.into_iter().map(Selection::Text));
        let filter = match (named.pop(), named.is_empty()) {
            (Some(filter), true) => filter,
            (Some(_), false) => return Err(usage("one filter is wanted, and -f and -e name several")),
            (None, _) => match arguments.next() {
                Some(argument) => Selection::of(argument)?,
                None => {
                    return Err(Stop::from(
                        Finding::command(codes::USAGE, "no filter is given")
                            .help("name it as an argument, with -f FILE or with -e TEXT"),
                    ));
                }
            },
        };
        Ok((filter, arguments.collect()))
    }
}

/// Arguments that do not go together.
pub(crate) fn usage(message: &str) -> Stop {
    Finding::command(codes::USAGE, message).into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_fits_80_columns() {
        let mut command = Cli::command().term_width(80);
        command.build();
        let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        let mut texts = vec![command.render_help().to_string(), command.render_long_help().to_string()];
        for name in names {
            let sub = command.find_subcommand_mut(&name).expect("it was listed");
            texts.push(sub.clone().term_width(80).render_help().to_string());
            texts.push(sub.clone().term_width(80).render_long_help().to_string());
        }
        for line in texts.iter().flat_map(|text| text.lines()) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn arguments_are_told_apart() {
        let of = |text: &str| Selection::of(text.into()).expect("UTF-8");
        assert_eq!(of("-"), Selection::Stdin);
        assert_eq!(of("a b.dvf"), Selection::File("a b.dvf".into()));
        assert_eq!(of("a.dvc"), Selection::Bytecode("a.dvc".into()));
        for text in ["tcp", "@WinDiv_WX_XXWWAX", "!tcp", "(tcp)", "", "a.dvf and tcp"] {
            assert_eq!(of(text), Selection::Text(text.into()));
        }
    }
}
