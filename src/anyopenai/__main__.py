"""`python -m anyopenai`: the command where its script is not on the path; nothing but its start."""

from .cli import main

if __name__ == "__main__":
    main()
