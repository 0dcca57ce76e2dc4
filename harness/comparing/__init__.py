"""What stage `compare` puts together: scores, effects, trainings and data of one claim."""
