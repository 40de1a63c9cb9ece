"""What ties the library to the workflow: configuration, commands, the sources of a job."""
