"""Know the full name behind a nickname: English given names as people shorten them."""

from __future__ import annotations

__all__ = ["FULL_NAMES"]

_SHORT_FORMS = """
abigail abbie abby abi
albert al bert bertie
alexander alex alec sandy xander lex
alexandra alexa lexi
alfred alf alfie fred
alison ali allie
amanda mandy
amelia amy millie
andrew andy drew
angela angie ange
anne ann anna annie
anthony tony ant antony
antonia toni
arthur art artie
barbara barb babs barbie
benjamin ben benji benny
beverley bev beverly
bernard bernie
bradley brad
brian bryan
catherine cath cathy kate katie kathy kathryn katherine kat katy kath kathleen
caroline caz carrie carolyn
charlotte lottie charlie
charles chas chuck
christine chrissie chris tina
christina chrissy
christopher chris topher kit
clifford cliff
daniel dan danny
danielle dani
david dave davey davy
deborah deb debbie debra debs
denise den
dennis denny
derek del
dominic dom
donald don donnie
dorothy dot dottie dolly
douglas doug
edward ed eddie ted teddy ned
eleanor ellie nell elly
elizabeth liz lizzie beth betty bess eliza lizzy libby elisabeth betsy lisa
emily em emmy
emma em
eric rick
ernest ernie
eugene gene
florence flo florrie
frances fran frankie
francis frank
frederick fred freddie freddy
gabriel gabe
gareth gaz gary
gary gaz
gemma gem
geoffrey geoff jeff jeffrey
george georgie
georgina georgie georgia gina
gerald gerry jerry
geraldine gerry geri
gerard gerry
gillian gill jill gilly
gordon gord
graham gray graeme
gregory greg gregg
harold harry
harriet hattie hatty
helen nell
henry harry hal hank
hilary hil
howard howie
hugh hughie
ian iain
isabel izzy bella isabelle isabella
jacob jake
jacqueline jackie jacqui
james jim jimmy jamie jim
janet jan
janice jan
jasmine jas jaz
jean jeanie
jeremy jem jez
jennifer jen jenny jenna
jessica jess jessie
joanne jo joanna joan
john jack johnny jon johnnie
jonathan jon jonny nathan johnny
joseph joe joey
josephine jo josie
joshua josh
joyce joy
judith judy jude
julia jules julie
julian jules
karen kaz
kenneth ken kenny
kevin kev
kimberley kim kimberly
lawrence larry laurie laurence
leonard len lenny leo
leslie les lesley
lewis lew louis lou louie
linda lyn lynda lindy
louise lou
lucy lou
lydia lyd
lynne lyn lynn
malcolm mal malc
margaret greta maggie meg peggy marge margie
marian marion
marilyn lyn
martin marty martyn
mary molly polly maria marie
mathew matthew matt matty
maureen mo
maurice mo morris
megan meg
melanie mel
melissa mel
michael mike mick micky mickey micheal
michelle shell chelle
mitchell mitch
mohammed mo mohammad muhammad mohamed
nancy nan
natalie nat nats
natasha tash tasha
nathan nate nat
nathaniel nat nate nathan
nicholas nick nicky nicolas
nicola nicky nikki
nigel nige
norman norm
oliver ollie olly
olivia liv livvy
pamela pam
patricia pat patsy tricia trish
patrick pat paddy
paul pauly
pauline paula polly
penelope penny pen
peter pete
philip phil pip phillip
phillippa pippa philippa
rachel rach rachael
raymond ray
rebecca becca becky bex beck
reginald reg reggie
richard rich dick rick ricky richie dickie
robert rob bob bobby robbie bert
roberta bobbie
rodney rod
roger rodge
ronald ron ronnie
rosemary rosie rose
russell russ
samantha sam sammy
samuel sam sammy
sandra sandy
sarah sally sadie sara
sebastian seb
sharon shaz sharon
shirley shirl
sheila shelagh
simon si
sophie soph sophia
stanley stan
stephanie steph stef
stephen steve stevie steven ste
stewart stuart stu
susan sue susie suzy suzanne
sylvia syl
teresa tess terry theresa tessa
terence terry tel
thomas tom tommy
timothy tim timmy
tobias toby
tracey trace tracy
valerie val
vanessa ness nessa
veronica ronnie
victor vic
victoria vicky vicki tori vic
vincent vince vinnie
vivienne viv vivian
walter walt wally
wayne waz
wendy wen
william bill will billy willie liam
winifred winnie
yvonne vonnie von
zachary zac zach zack
"""


def _full_names() -> dict[str, str]:
    """Map each form to all full names it may stand for, blanks between (chris: two or more)."""
    table: dict[str, set[str]] = {}
    for line in _SHORT_FORMS.split("\n"):
        full, *shorts = line.split() or [""]
        for form in (full, *shorts):
            table.setdefault(form, set()).add(full)
    return {form: " ".join(sorted({*fulls, form})) for form, fulls in table.items() if form}


FULL_NAMES: dict[str, str] = _full_names()
