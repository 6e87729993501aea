"""Page "Start": the story of forgetting in short steps on the real controls, and the glossary."""
