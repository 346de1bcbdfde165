//! Configuration errors. There are none at run time: a failure is a miss.

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option has a value it cannot have.
    #[error("tiercel: option `{option}` must be {allowed}, but is {given}")]
    InvalidOption {
        /// The option as spelled, or its environment variable.
        option: String,
        /// The values it may have.
        allowed: String,
        /// The value it had.
        given: String,
    },
    /// There is no such option.
    #[error(
        "tiercel: there is no option `{option}`{}; the options are {known}",
        .meant.as_ref().map_or(String::new(), |meant| format!(": did you mean `{meant}`?"))
    )]
    UnknownOption {
        /// The option as spelled.
        option: String,
        /// The option that may be meant.
        meant: Option<String>,
        /// All options.
        known: String,
    },
    /// The argument is no object.
    #[error("tiercel: configure() takes an object of options")]
    NotAnObject,
    /// The engine already runs with other options.
    #[error(
        "tiercel: the engine of this process already runs with other options; call configure() \
         in the module that next.config names, before the first request"
    )]
    AlreadyRunning,
    /// The operating system could not start the thread of the shared tier.
    #[error("tiercel: the operating system could not start the thread of the shared tier")]
    NoThread,
}

impl Error {
    /// The stable code for programs: `code` of the JavaScript error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidOption { .. } => "TIERCEL_INVALID_OPTION",
            Self::UnknownOption { .. } => "TIERCEL_UNKNOWN_OPTION",
            Self::NotAnObject => "TIERCEL_INVALID_OPTIONS",
            Self::AlreadyRunning => "TIERCEL_ALREADY_RUNNING",
            Self::NoThread => "TIERCEL_NO_THREAD",
        }
    }
}
