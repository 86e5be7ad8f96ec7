pub(crate) struct EnvConfig; impl EnvConfig { pub(crate) fn from_process() -> Result<Self, crate::InitError> { Ok(Self) } }
