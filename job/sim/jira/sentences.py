"""What Jira says when it refuses, in the languages of its users.

Promises: the English sentences are those seen on real sites; a user with another language gets
another text, so that a client which branches on sentences fails here first.
Does not do: deciding when to refuse.
"""

from typing import Final

EN: Final[dict[str, str]] = {
    "no_ticket": "Issue does not exist or you do not have permission to see it.",
    "no_project": "No project could be found with key '{0}'.",
    "project": "Specify a valid project ID or key",
    "issuetype": "Specify a valid issue type",
    "required": "{0} is required.",
    "summary_required": "You must specify a summary of the issue.",
    "off_screen": "Field '{0}' cannot be set. It is not on the appropriate screen, or unknown.",
    "adf": "Operation value must be an Atlassian Document (see the Atlassian Document Format)",
    "adf_content": "INVALID_INPUT: {0}",
    "string": "Operation value must be a string",
    "number": "Operation value must be a number",
    "array": "data was not an array",
    "object": "expected Object",
    "too_long": "The entered text is too long. It exceeds the allowed limit of {0} characters.",
    "summary_long": "Summary must be less than 255 characters.",
    "summary_lines": "The summary is invalid because it contains newline characters.",
    "label_space": "The label '{0}' contains spaces which is invalid.",
    "option": "Option value '{0}' is not valid",
    "id_or_name": "Specify a valid 'id' or 'name' for {0}",
    "user": "User '{0}' does not exist.",
    "date": "Date value '{0}' for customfield does not have a valid format",
    "url": "The URL '{0}' is not valid. It must be absolute.",
    "both_places": "Field '{0}' cannot appear in both 'fields' and 'update'",
    "comment_body": "Comment body is not valid!",
    "transition": "Transition id '{0}' is not valid for this issue.",
    "no_transition": "Missing 'transition' identifier",
    "bad_json": "There was an error parsing JSON. Check that your request body is valid.",
    "bad_payload": "Invalid request payload. Refer to the REST API documentation and try again.",
    "bulk_size": "The number of issues must be between 1 and {0}.",
    "page_size": "The max results parameter has to be between 1 and 5,000.",
    "page_token": "The provided next page token is invalid or expired.",
    "unbounded": "Unbounded JQL queries are not allowed here. Please add a search restriction to "
    "your query.",
    "order_by": "JQL can be ordered by at most 7 fields.",
    "operator": "The operator '{0}' is not supported by the '{1}' field.",
    "no_field": "Field '{0}' does not exist or you do not have permission to view it.",
    "no_value": "The value '{0}' does not exist for the field '{1}'.",
    "no_key": "An issue with key '{0}' does not exist for field '{1}'.",
    "bad_key": "The issue key '{0}' for field '{1}' is invalid",
    "reserved": "The character '{0}' is a reserved JQL character. You must enclose it in a string "
    "or use the escape '\\u{1}' instead. (line 1, character {2})",
    "syntax": "Error in the JQL Query: Expecting something else but got '{0}'. "
    "(line 1, character {1})",
    "wildcard": "The text query '{0}' for field '{1}' is not allowed to start with '*'.",
    "rate": "The request has been rate-limited. Please try again later.",
    "turned_away": "The IP address has been rejected because it is disallowed by the IP allowlist.",
    "conflict": "Conflicting update. Please try again.",
    "too_many_comments": "The issue has reached the limit of {0} comments.",
    "no_comments_here": "You do not have the permission to comment on this issue.",
    "loud": "To discard the user notification either admin or project admin permissions are "
    "required.",
    "archived": "The issue is archived and cannot be edited.",
    "removed": "The requested API has been removed. Please migrate to the /rest/api/3/search/jql "
    "API. A full migration guideline is available at "
    "https://developer.atlassian.com/changelog/#CHANGE-2046",
    "unrecognised": "Unrecognized permission",
    "no_property": "The property {0} does not exist.",
    "property_size": "The property value is too long. It must be at most 32768 characters.",
}

DE: Final[dict[str, str]] = {
    "no_ticket": "Der Vorgang existiert nicht oder Sie haben keine Berechtigung, ihn anzuzeigen.",
    "required": "{0} ist erforderlich.",
    "off_screen": "Das Feld '{0}' kann nicht gesetzt werden.",
    "operator": "Der Operator '{0}' wird vom Feld '{1}' nicht unterstützt.",
    "unbounded": "Unbegrenzte JQL-Abfragen sind hier nicht erlaubt.",
    "transition": "Die Übergangs-ID '{0}' ist für diesen Vorgang nicht gültig.",
    "option": "Der Optionswert '{0}' ist ungültig",
    "rate": "Die Anfrage wurde gedrosselt.",
}


class Refused(Exception):
    """A request that Jira answers with a sentence. `field` names where the sentence belongs, None
    the whole request.
    """

    def __init__(
        self, sentence: str, *facts: object, field: str | None = None, status: int = 400
    ) -> None:
        super().__init__(EN[sentence].format(*facts))
        self.sentence = sentence
        self.facts = facts
        self.field = field
        self.status = status

    def said_in(self, language: str) -> str:
        if language == "en":
            return str(self)
        return DE.get(self.sentence, f"Fehler {self.sentence}").format(*self.facts)
