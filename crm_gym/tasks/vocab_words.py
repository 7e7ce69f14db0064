"""The words of which names and texts are made: all of them invented or everyday ones, no company of this world.

No word here is one of the CRM's own (Active, Draft, Quote, ...), holds a digit or a quotation mark, or has the ASCII
spelling of another word of its list: e-mail addresses and file names stay apart as the names do.
"""

from __future__ import annotations


def _listed(text: str, separator: str | None = None) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split(separator))


STEMS = _listed(
    """
    Vexmar Talbrin Orvantis Quillhaven Brannoch Sundrel Keldmoor Marvenna Thistlewick Osterlund Pellgrave Ravensund
    Halmstrand Corvane Duskfield Elmarith Fenwold Gantrell Hollowmere Istvane Jorvalle Kestrane Lorimund Mistrand
    Nordhavel Oakenrill Penvarra Quenby Rothmark Silvarde Tarnholt Ulverstow Vandrell Wexmoor Yarrowby Zelkova
    Ashgrave Birkenau Calverstone Dunmarrow Eastmere Fairholt Glenmarsh Harrowick Inverlay Junivar Kirkmeld Larkmoor
    Moorgreen Nettlewood Orchardine Pinehallow Quarrow Redmarch Stonewell Thornbeck Umberlin Valeridge Westerlow
    Yewdale Ålgrund Bjørkvang Çelimar Dąbrowit Éclarion Fjällsund Górzan Hästvik İncelik Jävre Łąkowa Møllegard
    Ñandura Ørebakk Påskby Renåda Śliwnik Tøndervold Ürgenthal Västmark Źródlin Brâncuța Cùrante Đalavir Štrbina
    Žitava Ólavsson Aldermond Brickhollow Cindermark Dovetarn Emberlane Foxgarth Greyfell Heathermoor Ironbrae
    Jackdaw Kingsorrel Lanternby Millwright Northolme Otterbourne Pebblecross Quaywater Rookhurst Saltmarrow
    Tidewell Undercliff Vinterhall Wrenfield Yonderby Amberlode Bellweather Copperlane Driftmoor Eiderfold Flintmere
    Gorseway Hazelgarth Indigrove Juniperley Kelpwick Lindenaar Marlowen Needlecombe Oystergate Plumtree Quarterdeck
    Rushmarsh Sorrelby Teasel Umbrick Velmont Willowherb Xanthery Yarnmoor Zephyrane Arquenta Belloraine Castriva
    Delmarque Estrevan Florvena Gallimard Hestoria Irmenta Jasperon Kolvitza Luminare Montravel Norvessa Olivarda
    Portavent Quintavel Rivolenta Santorre Torvalde Ursalina Verdanza Wolfrange Ysalonde Zorvanta Akershem Bodegraaf
    Callandra Drostholm Evershade Fallowdene Grindelby Hobmoor Ivywell Jessamine Knollbury Lochgrove Maplehythe
    Nightjar Overstrand Palewater Ravelstone Shingleby Turnstone Updale Vixenholt Whinmoor Tamaryn Solvanger
    Perrenby Okanvale Lysanger Kordalis Hjelmvang Graventhal Feldmarch Dravoska Cassomer Brightwold Arkwold Zunderby
    Tallowmere Sablecourt
    """
)
"""First words of company names."""

STEM_HEADS = _listed(
    """
    Bal Bren Cal Cor Dal Dor Els Fal Fen Gal Gor Hal Hes Jar Kal Ker Lan Lor Mal Mer Nal Nor Ol Or Pal Per Quen Ral
    Ros Sal Ser Tal Tor Ul Val Ver Wal Wen Yar Zel
    """
)

STEM_HEARTS = _listed(
    """
    a abe adu ami ane aro avi e eba edo eli ema ero eva i ibo ida ilo ima ina iro o oba odi oli oma ona ori ova u
    ula uma una uri
    """
)

STEM_TAILS = _listed(
    """
    sjö fjäll skär mółka råd hùs şehir
    bay beck by dane dell dric fax ford garde gate ham holm land lex lin lund mar mere mont moor nard nova quist
    rane rick rin rond sand sby shaw sted thal tis vane vard velt vik vona wick wold
    """
)

FIRST_NAMES = _listed(
    """
    Aada Abena Adrián Agnieszka Ahmet Aino Alasdair Aleksy Amara Amélie Anaïs Andrzej Anika Anselm Antje Aoife Arjun
    Arvid Asta Aurélien Ayşe Balint Bartosz Beatriz Berit Björn Bogdan Branimir Brígida Bronagh Burak Cáit Camila
    Çağla Caoimhe Carsten Cecylia Chiara Ciarán Claudine Dagny Damir Danuta Dariusz Deirdre Dilara Dmitri Dorota Duc
    Dunja Ebba Edyta Efe Eilidh Einar Elif Elżbieta Emeka Emre Enrique Erlend Esme Eszter Fabrice Farida Fatou
    Fergus Filip Fionn Florin Frida Gábor Gaël Gerda Gintaras Giulia Gizem Gráinne Greta Grzegorz Gudrun Hakan
    Halina Hamza Hanne Haruto Hedda Heikki Helle Henrike Hüseyin Ignacy Ilse Imogen Ines Ingrid Irmak Isak Isolde
    Ivo Iwona Jadwiga Jana Jarek Jelena Joaquín Jola Jörg Juhani Kacper Kaarina Kalle Karim Katarzyna Kenji Kerstin
    Khanh Kjell Klára Kofi Kornel Krzysztof Laila Lars Leila Lennart Leszek Linh Liv Ljubica Lotte Łucja Łukasz
    Maeve Magda Magnús Mairéad Malin Marek Maren Márta Mateusz Matilde Mehmet Merete Mirela Mirosław Moana Murat
    Nadia Ngoc Niamh Nikolai Nils Noor Nuala Nuria Oisín Oksana Oleg Olivier Orla Ottilie Özlem Padraig Pál Paloma
    Peder Pelle Petra Phuong Pilar Piotr Przemek Quynh Radka Ragnhild Ramón Rasmus Rebeka Renata Roisin Roksana Rune
    Rustam Ruta Sabela Saoirse Sander Séamus Selin Serkan Sigrid Sinéad Siobhán Solveig Søren Stanisław Stellan Svea
    Szymon Tadeusz Tamsin Tariq Teemu Thandi Thuy Tine Tobiah Tomasz Tordis Torsten Tove Trang Tuomas Ulla Ümit Una
    Urszula Uxía Valdis Veera Verena Viggo Vilde Vjeko Wanda Wiebke Wiktor Wojciech Xenia Ximena Yasemin Yngve Yusuf
    Zane Zbigniew Zeynep Zofia Zora Zuzanna Åsa Åke Ævar Éabha Øystein Öykü Şule Śława Žarko
    """
)

LAST_NAMES = _listed(
    """
    Aaltonen, Abrahamsen, Adeyinka, Akdağ, Albrechtsen, Almgren, Andrzejak, Arslanoğlu, Baczyński, Bakkevig,
    Balogun, Barańska, Bergqvist, Bielak, Birkeland, Błaszczak, Bożek, Brådland, Brennigan, Brzozowski, Çakıroğlu,
    Carvalhosa, Castelnau, Celikten, Chmura, Cieślak, Corrigane, Dabrowny, Dahlstrøm, Demirbaş, Devlaney,
    Dragomirescu, Drozdowicz, Dudziak, Duszyńska, Eide, Ekdal, Elvestad, Engebret, Erdoğmuş, Escalada, Eskelinen,
    Falkenrath, Farkasné, Ferreirinha, Fjeldstad, Florczak, Frølund, Gajewnik, Gałązka, Garrigane, Gawlik, Głowacz,
    Gołębiowska, Grabiński, Granqvist, Grønvold, Grudzień, Gündoğan, Haapala, Hafstad, Hallström, Hansteen,
    Haugerud, Heikkonen, Hjorth, Holmboe, Horvatić, Hryniewicz, Huldrén, Iversby, Iwańczuk, Jabłońska, Jagodziński,
    Janiak, Järvelä, Jasiński, Jeřábek, Jönköper, Kaczmarska, Kalnins, Kapuściak, Karaçay, Kärkkäinen, Kasprzyk,
    Kavanaghue, Kılıçer, Kjærsgaard, Klimczak, Kobylarz, Kołodziejska, Königsreuth, Korhola, Kosiorek, Kovačić,
    Kristensby, Król, Krzyżanek, Kučerová, Kujala, Kunnas, Lagerfelt, Lahtivirta, Laskowiec, Lehtimäki, Lisowska,
    Ljunggren, Łabędzka, Łoziński, Løvdal, Lubański, Lundegård, Mączka, Madsby, Majchrzak, Mäkivuori, Małek,
    Marciszak, Mårtensby, Matuszek, Mazurkiewka, McGillan, Meierhans, Michalczyk, Mikkolainen, Moczulski, Morawiec,
    Mościcka, Myhrvold, Näslund, Nedrebø, Niedźwiecka, Nilssund, Nordentoft, Nowicka, Nyquist, Obrębska, Ødegaard,
    Ohlin, Okoronkwa, Olszanka, Öngören, Orłowska, Østergaard, Özkaraca, Paasonen, Pawlaczyk, Pędziwiatr, Perälä,
    Piątek, Pinheirosa, Płonka, Poplawny, Prestvik, Przybyła, Puchalik, Quistgaard, Radwańczyk, Rantanen, Rasmusby,
    Raudsepp, Rekdal, Reszka, Rødland, Różańska, Rudzik, Ruusuvuori, Rydström, Saarikoski, Sadowniczy, Şahinkaya,
    Salonius, Sandvær, Sędzik, Seppänen, Siemieniec, Sjöberga, Skarżyńska, Skjæveland, Słomka, Sobczyk, Sørlie,
    Stachura, Stenersby, Strømme, Strzelec, Suominen, Świątek, Szczepanek, Szulc, Szymborek, Takács, Tanrıverdi,
    Þórsdal, Thrane, Tiihonen, Tønnesen, Topaloğlu, Trzaska, Tumidaj, Turunen, Tveiten, Ujvári, Ulvestad, Urbańczyk,
    Utriainen, Vågslid, Väisänen, Valkeapää, Vedeler, Vesterholm, Vinterberg, Vuorela, Walczyk, Wąsowska, Węgrzyn,
    Wiśniowska, Wójtowicz, Wróblik, Wyrzyk, Yalçınöz, Yıldıran, Zabłocka, Zając, Zawistowska, Żebrowska, Zielonka,
    Żmuda, Źrebiec, Żurawska, O'Rahan, O'Brannigan, O'Shaunessy, O'Kelleher, O'Duffain, O'Malveny, D'Arvento,
    D'Orsaine, N'Dourou, Nguyễn, Trầnh, Lêvan, Phạmthu, Hoàng, Đặngvu, Bùithi, Vũlong, Fitzmorrow, Ashdown-Lea,
    Carrow-Finch, Lind-Hansen, Reyes-Oteo, Marsh-Adeola, Nakashiro, Okumoto, Haddadi, Benmoussa, Achterop,
    Vermeulenaar, Hoogstraat, Dijkveld, Castellucci, Moravecz, Petrosyani, Shevardin, Ivankova, Rosendahl,
    Teixeirão, Villasante, Ní Bhrolchain, Mac Giolla, van der Lecke, de la Torriente, von Altmoor
    """,
    ",",
)

LAST_HEADS = _listed(
    """
    Ab Ald Ask Bak Berg Bor Dal Der Ek Eng Fal Fjel Gran Gris Hag Hell Hol Isak Jan Kar Kob Kris Lar Lind Mad Mar
    Nor Ny Ol Ost Per Rad Ros Sand Sol Stan Tar Thor Ul Vas Vin Wal Wes Zab Zel
    """
)

LAST_HEARTS = _listed(
    """
    a al an ar e el en er i il in ir o ol on or u ul un ur
    """
)

LAST_TAILS = _listed(
    """
    gård ström ová ić oğlu łek ñez sjö ėnas ský
    ander aro berg cek cki dahl dez eau enko escu ez feldt gaard hagen iak ian idis kainen kvist land lund mann mark
    nik nius off oja oska ova pek quez rath rod sby sen shvili sky son stad strom tano tola uk va vik wicz witz zen
    """
)

PROJECTS = _listed(
    """
    Acorn Alder Almond Amber Anchor Antler Apricot Arbour Arrowhead Aspen Aster Atlas Aurora Badger Balsam Bamboo
    Basalt Beacon Beaver Beech Bellows Birch Bison Blackbird Bluebell Bobcat Bracken Bramble Briar Brook Buckthorn
    Bullfinch Bumblebee Buttercup Calico Camellia Campfire Canary Candle Caravel Cardamom Caribou Cedar Chaffinch
    Chalice Chestnut Cinnabar Citrus Clover Cobalt Compass Condor Coral Cormorant Cornflower Cottage Cove Cowslip
    Crane Crescent Cricket Crocus Curlew Cypress Daffodil Dahlia Damson Dandelion Delta Dolphin Dormouse Dovecote
    Dragonfly Drumlin Dune Eagle Ebony Egret Elderberry Elk Ember Emerald Falcon Fennel Fern Ferret Firefly Fjord
    Flamingo Foxglove Garnet Gazelle Gecko Geyser Ginger Glacier Goldfinch Granite Grasshopper Grouse Gull Harbour
    Hare Harebell Harvest Hawthorn Hazel Heather Hedgehog Heron Hickory Hollyhock Honeycomb Hornbeam Hummingbird
    Hyacinth Ibex Indigo Iris Ivory Jasmine Jigsaw Juniper Kestrel Kingfisher Kite Lagoon Lantern Lapwing Larch
    Larkspur Laurel Lavender Leopard Lighthouse Lilac Limestone Linnet Lobelia Lupin Lynx Magnolia Magpie Mallard
    Mallow Mandarin Mangrove Maple Marigold Marlin Marten Meadow Meridian Merlin Mimosa Mistral Mistletoe Monsoon
    Moonstone Mulberry Myrtle Narwhal Nautilus Nectar Nettle Nightingale Nimbus Nutmeg Oak Oasis Obsidian Ocelot
    Oleander Olive Onyx Opal Orchid Oriole Osprey Otter Owl Oyster Pagoda Pansy Papaya Partridge Peacock Pearl
    Pebble Pelican Peony Pepper Petrel Pheasant Pine Plover Poplar Poppy Porcupine Prairie Primrose Puffin Quail
    Quartz Quince Rapids Raven Redwood Reef Robin Rosemary Rowan Ruby Saffron Sage Salamander Sandpiper Sapphire
    Seagrass Sequoia Sextant Sienna Skylark Snowdrop Sparrow Spruce Squirrel Starling Stork Sundial Sunflower
    Swallow Sycamore Tamarind Teal Tern Thicket Thistle Thrush Thyme Topaz Tortoise Toucan Tulip Turmeric Turquoise
    Umbra Vanilla Velvet Verbena Vetch Viola Wagtail Walnut Warbler Waterfall Weasel Whimbrel Willow Windmill
    Wisteria Wolverine Woodland Woodpecker Wren Yarrow Yew Zenith Zinnia
    """
)
"""Code words of deals, and of files."""

REGIONS = _listed(
    """
    Nordic Baltic Iberia Adriatic Alpine Benelux Levante Highland Danube Coastal
    """
)

FORMS = _listed(
    """
    Ltd, GmbH, AB, AS, Oy, BV, SA, Group, and Sons, Cooperative
    """,
    ",",
)

STREETS = _listed(
    """
    Harbour Lane, Mill Street, Kiln Road, Ropewalk, Tannery Row, Orchard Close, Foundry Way, Granary Square,
    Lindenweg, Hafenstraße, Værftsgade, Sjøveien, Storgatan, Kauppakatu, Rue des Tilleuls, Via del Molo, Calle del
    Faro, Rua das Oliveiras, ul. Ogrodowa, ul. Źródlana, Liman Sokağı, Dlouhá ulice, Ferry Quay, Quarry Hill, Weir
    Path, Cooper Yard, Lantern Steps, Brewhouse Lane, Saddlers Court, Mossgate
    """,
    ",",
)

TOWNS = _listed(
    """
    Bergen Aarhus Turku Gdańsk Łódź Kraków Malmö Umeå Tromsø Tampere Tallinn Riga Kaunas Brno Košice Győr Graz Linz
    Basel Genève Nantes Liège Gent Utrecht Cork Galway Dundee Leeds Porto Braga Bilbao Málaga Bari Trieste İzmir
    Bursa Huế Sapporo Mérida Montréal
    """
)

PHONE_CODES = _listed(
    """
    +31 20, +33 1, +34 91, +353 21, +39 02, +43 1, +45 33, +46 8, +47 22, +48 12, +90 232
    """,
    ",",
)

TITLE_RANKS = _listed(
    """
    Head of, Director of, Deputy Head of, Manager for, Lead for, Specialist for, Coordinator of, Vice President,
    Assistant for, Adviser on, Officer for, Chief of
    """,
    ",",
)

TITLE_AREAS = _listed(
    """
    Purchasing, Operations, Finance, Logistics, Maintenance, Quality, Production, Engineering, Facilities,
    Information Systems, Research, Safety, Supply, Training, Compliance, Energy, Customer Care, Marketing,
    Workshops, Laboratories
    """,
    ",",
)

MAILBOXES = _listed(
    """
    office info hello sales orders accounts desk post team reception buying mail
    """
)

FILE_NOUNS = {
    "Opportunity": _listed(
        "site-survey scope requirements kickoff-deck pricing-model floor-plan demo-notes business-case timeline"
        " spec-sheet"
    ),
    "Quote": _listed("price-list cost-breakdown offer-letter discount-sheet bill-of-materials terms-summary"),
    "Contract": _listed("signed-terms countersigned-copy service-annex data-annex renewal-letter liability-rider"),
    "Client": _listed("org-chart tax-form credit-check account-plan visit-report reference-letter brand-guide"),
}

EXTENSIONS = {
    "site-survey": _listed("pdf docx"),
    "kickoff-deck": _listed("pptx key ppt"),
    "pricing-model": _listed("xlsx csv"),
    "floor-plan": _listed("pdf"),
    "demo-notes": _listed("txt docx"),
    "timeline": _listed("xlsx pdf"),
    "price-list": _listed("xlsx pdf csv"),
    "cost-breakdown": _listed("xlsx csv"),
    "bill-of-materials": _listed("csv xlsx"),
    "discount-sheet": _listed("xlsx"),
    "signed-terms": _listed("pdf"),
    "countersigned-copy": _listed("pdf"),
    "org-chart": _listed("pptx pdf"),
    "brand-guide": _listed("key pdf"),
    "account-plan": _listed("docx pptx"),
    "visit-report": _listed("doc docx txt"),
}

USUAL_EXTENSIONS = ("pdf", "docx", "doc")
