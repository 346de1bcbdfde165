//! Errors of the configuration. At run time there are none: a failure is a miss.

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option has a value it cannot have.
    #[error("tiercel: option `{option}` must be {allowed}, but is {given}")]
    InvalidOption {
        /// The option as it was spelled, or its environment variable.
        option: String,
        /// What it may be.
        allowed: String,
        /// What it was.
        given: String,
    },
    /// There is no such option.
    #[error("tiercel: there is no option `{option}`; the options are {known}")]
    UnknownOption {
        /// The option as it was spelled.
        option: String,
        /// All options there are.
        known: String,
    },
    /// The options are no object.
    #[error("tiercel: configure() takes an object of options")]
    NotAnObject,
    /// The engine runs with other options already.
    #[error(
        "tiercel: the engine of this process already runs with other options; call configure() \
         in the module that next.config names, before the first request"
    )]
    AlreadyRunning,
    /// The thread of the shared tier cannot be started.
    #[error("tiercel: the operating system could not start the thread of the shared tier")]
    NoThread,
}

impl Error {
    /// The stable code for programs, on the JavaScript error as `code`.
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
