//! The command `configure`: writes a profile.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use dialoguer::{Input, Password, Select};
use privacy_host::contract::{Setting, SettingField, SettingKind};

use super::connection::ConnectionOptions;
use super::errors::CommandError;
use super::exit::Exit;
use super::profile::{Configuration, DEFAULT, Profile};
use super::secret::SecretSource;
use super::settings::{Given, variable};
use super::{RightArgument, print, save};

/// Asks for a connection, checks it, and writes it to the configuration file as a profile.
///
/// What the options give is not asked for. Without a terminal, nothing is asked for. The profile names where each secret comes from, and
/// never holds a secret: a file, a variable, or a command that prints it.
#[derive(Args)]
pub(super) struct ConfigureOptions {
    /// The variable that a secret comes from, as SETTING=NAME; repeatable
    #[arg(long, value_name = "SETTING=NAME", value_parser = key_and_value)]
    secret_variable: Vec<(String, String)>,
    /// The command that prints a secret, as SETTING=COMMAND; repeatable
    #[arg(long, value_name = "SETTING=COMMAND", value_parser = key_and_value)]
    secret_command: Vec<(String, String)>,
    /// The rights to check the connection for
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [RightArgument::Access, RightArgument::Deletion])]
    rights: Vec<RightArgument>,
    #[command(flatten)]
    pub(super) connection: ConnectionOptions,
}

fn key_and_value(argument: &str) -> Result<(String, String), String> {
    let (key, value) = argument.split_once('=').ok_or("write it as SETTING=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl ConfigureOptions {
    pub(super) async fn run(self, profile: Option<String>) -> Result<Exit, CommandError> {
        let name = profile.unwrap_or_else(|| DEFAULT.to_owned());
        let mut configuration = Configuration::read()?;
        let profile = self.profile(&name, configuration.profiles.get(&name))?;
        let fields = &self.connection.manifest()?.settings;
        let mut settings = Vec::new();
        for field in fields {
            let value = profile.value(field)?;
            settings.extend(value.map(|value| Setting::new(field.key.clone(), value)));
        }
        let connector = self.connection.connect(self.connection.plugin()?, settings).await?;
        let rights: Vec<_> = self.rights.iter().map(|right| (*right).into()).collect();
        print::connection(&connector.check(&rights).await?);
        configuration.profiles.insert(name.clone(), profile);
        let file = configuration.write()?;
        print::hint(&format!("The profile {name} is in {}.", file.display()), None);
        Ok(Exit::Done)
    }

    /// The profile of the options, completed by questions.
    fn profile(&self, name: &str, known: Option<&Profile>) -> Result<Profile, CommandError> {
        let manifest = self.connection.manifest()?;
        let (plugin, given) = self.connection.given()?;
        let plugin =
            plugin.map(std::path::absolute).transpose().map_err(|error| CommandError::usage(error.to_string()))?;
        let mut profile = Profile { plugin, ..Profile::default() };
        let mut missing = Vec::new();
        for field in &manifest.settings {
            let key = field.key.clone();
            if field.kind == SettingKind::Secret {
                let known = known.and_then(|known| known.secrets.get(&key));
                match self.given_secret(given, &key)?.or_else(|| known.cloned()) {
                    Some(source) => drop(profile.secrets.insert(key, source)),
                    None if field.required && is_interactive() => {
                        profile.secrets.insert(key, ask_for_secret(field, name)?);
                    }
                    None if field.required => missing.push(key),
                    None => {}
                }
                continue;
            }
            let known = known.and_then(|known| known.settings.get(&key)).map(String::as_str);
            match given.value(&key).map(str::to_owned) {
                Some(value) => drop(profile.settings.insert(key, value)),
                None if field.required && is_interactive() => {
                    profile.settings.insert(key, ask(field, known)?);
                }
                None => match known {
                    Some(value) => drop(profile.settings.insert(key, value.to_owned())),
                    None if field.required => missing.push(key),
                    None => {}
                },
            }
        }
        if missing.is_empty() {
            return Ok(profile);
        }
        let variables: Vec<String> = missing.iter().map(|key| variable(key)).collect();
        Err(CommandError::usage(format!("without a terminal, the options have to give {}", missing.join(", ")))
            .with_advice(format!(
                "give an option for each; a secret also by `--secret-variable {}={}`",
                missing[0], variables[0]
            )))
    }

    fn given_secret(&self, given: &Given, key: &str) -> Result<Option<SecretSource>, CommandError> {
        let of =
            |sources: &[(String, String)]| sources.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        if let Some(file) = given.secret_file(key) {
            let file = std::path::absolute(file);
            return file
                .map(|file| Some(SecretSource::File(file)))
                .map_err(|error| CommandError::usage(error.to_string()));
        }
        let variable = of(&self.secret_variable).map(SecretSource::Variable);
        Ok(variable.or_else(|| of(&self.secret_command).map(SecretSource::Command)))
    }
}

fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn not_answered(error: dialoguer::Error) -> CommandError {
    CommandError::usage(format!("the question was not answered: {error}"))
}

fn ask(field: &SettingField, known: Option<&str>) -> Result<String, CommandError> {
    eprintln!("{}", field.help);
    let mut question = Input::<String>::new().with_prompt(&field.label);
    if let Some(value) = known.or(field.default.as_deref()) {
        question = question.default(value.to_owned());
    }
    question.interact_text().map_err(not_answered)
}

/// Asks where a secret comes from. One that is typed is stored in a file of its own, for the owner alone.
fn ask_for_secret(field: &SettingField, profile: &str) -> Result<SecretSource, CommandError> {
    eprintln!("{}", field.help);
    let sources = [
        "enter it now, to store it in a file that only you can read",
        "a file",
        "a variable",
        "a command that prints it",
    ];
    let chosen = Select::new().with_prompt(&field.label).items(sources).default(0).interact().map_err(not_answered)?;
    let ask = |prompt: &str| Input::<String>::new().with_prompt(prompt).interact_text().map_err(not_answered);
    Ok(match chosen {
        0 => {
            let secret = Password::new().with_prompt(&field.label).interact().map_err(not_answered)?;
            let file = Configuration::directory()?.join(format!("{profile}.{}", field.key));
            save::write_private(&file, secret.as_bytes())?;
            SecretSource::File(file)
        }
        1 => SecretSource::File(PathBuf::from(ask("File")?)),
        2 => SecretSource::Variable(ask("Variable")?),
        _ => SecretSource::Command(ask("Command")?),
    })
}
