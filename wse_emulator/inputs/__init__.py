"""What a user has: model names, shapes files, configs, factories -> typed values."""
