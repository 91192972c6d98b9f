"""What a user asks for: options, schedules, masks, dtypes -> typed values."""
