"""What shops call their columns: words that speak for a contract column, and words against."""

import re

CUSTOMER = re.compile(
    r"(customer|client|buyer|user|member|account|kunden?|debitor|cliente|acheteur)[ _-]*"
    r"(id|no|nr|number|nummer|num|key|code|ref)?\b|e-?mail|\b(uid|cid)\b",
    re.IGNORECASE,
)
EMAIL = re.compile(r"e-?mail", re.IGNORECASE)
PERSON_NAME = re.compile(r"name|first|last|company", re.IGNORECASE)
NOT_CUSTOMER = re.compile(r"type|group|since|note|message|phone|count|city|country|accepts|agent|staff", re.IGNORECASE)

TIME = re.compile(
    r"date|time|created|ordered|placed|purchas|sold|sale|paid|datum|zeit|fecha|data\b|\bat\b|_at$|when|day|tag",
    re.IGNORECASE,
)
BEST_TIME = re.compile(r"order|purchas|creat|placed|sale|sold|bestell|kauf|transact|invoice|rechnung", re.IGNORECASE)
NOT_TIME = re.compile(r"ship|deliver|updat|modif|birth|due|cancel|refund|expir|liefer|last|geburt", re.IGNORECASE)

AMOUNT = re.compile(
    r"total|amount|value|price|revenue|net|gross|sales|spent|betrag|summe|umsatz|brutto|netto|preis|importe|montant|"
    r"subtotal|prix|precio|valor",
    re.IGNORECASE,
)
BEST_AMOUNT = re.compile(r"subtotal|net|total|revenue|umsatz|summe|betrag|order.?value|amount", re.IGNORECASE)
UNIT_PRICE = re.compile(r"unit|each|per[ _]|item[ _]?price|^(price|preis|prix|precio)$|stück|einzel", re.IGNORECASE)
NOT_AMOUNT = re.compile(
    r"tax|vat|mwst|ust|ship|freight|fee|discount|rabatt|tip|refund|balance|cost|rate|versand|postage|qty|quant|number|"
    r"count|weight|\bid\b|_id$|zip|plz|phone",
    re.IGNORECASE,
)
ORDER_ID = re.compile(
    r"(order|invoice|receipt|transaction|sale|bestell|auftrags?|rechnungs?|beleg|bon|commande|pedido|basket)"
    r"[ _-]*(id|no|nr|number|nummer|num|#|key|code|ref)\b|order ?#|^(order|invoice|receipt|name|bestellnummer)$",
    re.IGNORECASE,
)
NOT_ORDER_ID = re.compile(r"item|line|customer|product", re.IGNORECASE)
QUANTITY = re.compile(r"qty|quant|menge|anzahl|cantidad|units|stück", re.IGNORECASE)
RETURNED = r"refund|return|storno|gutschrift|credit ?note|retoure|rückzahlung|erstattung|avoir|devoluci"
"""A regular expression of values that mark a return."""

UNPAID = re.compile(
    r"cancel|void|pending|fail|draft|unpaid|test|declin|expired|on.?hold|storniert|offen|annul",
    re.IGNORECASE,
)
STATUS = re.compile(r"status|state|type|typ|kind|event|art$|zustand", re.IGNORECASE)
NOT_ATTRIBUTE = re.compile(
    r"name|street|address|phone|e-?mail|zip|postal|plz|note|message|comment|url|ip|token|card|tax|fee", re.IGNORECASE
)
