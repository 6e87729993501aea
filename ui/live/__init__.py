"""The live panel: charts that the browser keeps across updates, and the listeners that feed them."""
