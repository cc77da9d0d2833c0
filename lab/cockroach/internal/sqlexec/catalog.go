package sqlexec

import (
	"encoding/json"
	"slices"
	"sort"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"

	"lab/cockroach/internal/state"
)

// database is stored under db/<name>.
type database struct {
	Name    string              `json:"name"`
	Owner   string              `json:"owner"`
	Primary string              `json:"primary,omitempty"`
	Regions []string            `json:"regions,omitempty"`
	Survive string              `json:"survive,omitempty"` // "zone" or "region"; "" without regions
	Grants  map[string][]string `json:"grants,omitempty"`  // user -> privileges
	Params  map[string]string   `json:"params,omitempty"`  // ALTER DATABASE … SET
	// Defaults are the privileges on tables to come: creating role (or "" for any) -> user -> privileges.
	Defaults map[string]map[string][]string `json:"defaults,omitempty"`
}

// role is stored under user/<name>.
type role struct {
	Name     string   `json:"name"`
	IsRole   bool     `json:"isRole,omitempty"`
	Options  []string `json:"options,omitempty"` // e.g. CREATEDB, NOLOGIN
	MemberOf []string `json:"memberOf,omitempty"`
	System   []string `json:"system,omitempty"` // system privileges
}

const (
	rootUser  = "root"
	nodeUser  = "node"
	adminRole = "admin"
	public    = "public"
)

// Initial is the catalog of a new cluster.
func Initial() map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, name := range []string{"defaultdb", "postgres", "system"} {
		owner := rootUser
		if name == "system" {
			owner = nodeUser
		}
		data, _ := json.Marshal(database{Name: name, Owner: owner, Grants: map[string][]string{public: {"CONNECT"}}})
		out["db/"+name] = data
	}
	admin, _ := json.Marshal(role{Name: adminRole, IsRole: true})
	root, _ := json.Marshal(role{Name: rootUser, MemberOf: []string{adminRole}})
	out["user/"+adminRole], out["user/"+rootUser] = admin, root
	return out
}

func (s *Session) findDatabase(name string) (*database, error) {
	db := new(database)
	ok, err := s.tx.get("db/"+name, db)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errorf(codeNoDatabase, "database %q does not exist", name)
	}
	return db, nil
}

func (s *Session) databases() ([]*database, error) {
	pairs, err := s.tx.scan("db/")
	if err != nil {
		return nil, err
	}
	out := make([]*database, len(pairs))
	for i, pair := range pairs {
		out[i] = new(database)
		if err := json.Unmarshal(pair.value, out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Session) findRole(name string) (*role, error) {
	found := new(role)
	ok, err := s.tx.get("user/"+name, found)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errorf(codeUndefinedObject, "role/user %q does not exist", name)
	}
	return found, nil
}

// memberships are all roles that a user has, through other roles too, and itself and public.
func (s *Session) memberships(user string) ([]string, error) {
	out := []string{user, public}
	for i := 0; i < len(out); i++ {
		found := new(role)
		ok, err := s.tx.get("user/"+out[i], found)
		if err != nil {
			return nil, err
		}
		if ok {
			for _, parent := range found.MemberOf {
				if !slices.Contains(out, parent) {
					out = append(out, parent)
				}
			}
		}
	}
	return out, nil
}

func (s *Session) isAdmin() (bool, error) {
	if s.User == rootUser || s.User == nodeUser {
		return true, nil
	}
	roles, err := s.memberships(s.User)
	return slices.Contains(roles, adminRole), err
}

// hasSystem says whether the user has one of the system privileges, or is an administrator.
func (s *Session) hasSystem(privileges ...string) (bool, error) {
	if s.User == rootUser || s.User == nodeUser {
		return true, nil
	}
	roles, err := s.memberships(s.User)
	if err != nil {
		return false, err
	}
	if slices.Contains(roles, adminRole) {
		return true, nil
	}
	for _, name := range roles {
		found := new(role)
		if _, err := s.tx.get("user/"+name, found); err != nil {
			return false, err
		}
		for _, privilege := range privileges {
			if slices.Contains(found.System, privilege) || slices.Contains(found.Options, privilege) || slices.Contains(found.System, "ALL") {
				return true, nil
			}
		}
	}
	return false, nil
}

func (s *Session) needSystem(privilege string) error {
	ok, err := s.hasSystem(privilege)
	if err != nil || ok {
		return err
	}
	return errorf(codePrivilege, "user %s does not have %s system privilege", s.User, privilege)
}

func (s *Session) needAdmin(what string) error {
	ok, err := s.isAdmin()
	if err != nil || ok {
		return err
	}
	return errorf(codePrivilege, "only users with the admin role are allowed to %s", what)
}

// granted says whether grants give the user a privilege.
func (s *Session) granted(owner string, grants map[string][]string, privilege string) (bool, error) {
	if s.User == rootUser || s.User == owner {
		return true, nil
	}
	roles, err := s.memberships(s.User)
	if err != nil {
		return false, err
	}
	for _, name := range roles {
		if name == owner || name == adminRole || slices.Contains(grants[name], privilege) || slices.Contains(grants[name], "ALL") {
			return true, nil
		}
	}
	return false, nil
}

func (s *Session) needOnDatabase(db *database, privilege string) error {
	ok, err := s.granted(db.Owner, db.Grants, privilege)
	if err != nil || ok {
		return err
	}
	return errorf(codePrivilege, "user %s does not have %s privilege on database %s", s.User, privilege, db.Name)
}

func (s *Session) needOwner(db *database) error {
	ok, err := s.granted(db.Owner, nil, "")
	if err != nil || ok {
		return err
	}
	return errorf(codePrivilege, "must be owner of database %s or have CREATE privilege on database %s", db.Name, db.Name)
}

// regionZones are the regions that nodes are in, with their zones; what SHOW REGIONS FROM CLUSTER shows.
func (s *Session) regionZones() map[string][]string {
	out := map[string][]string{}
	for _, member := range s.engine.cluster.Machine().Members() {
		region := member.Region()
		if region == "" || !member.Announced || member.Membership == state.Decommissioned {
			continue
		}
		zones := out[region]
		zone := state.Tier(member.Info.Locality, "zone")
		if zone == "" {
			zone = state.Tier(member.Info.Locality, "availability-zone")
		}
		if zone == "" {
			zone = state.Tier(member.Info.Locality, "az")
		}
		if zone != "" && !slices.Contains(zones, zone) {
			zones = append(zones, zone)
			sort.Strings(zones)
		}
		out[region] = zones
	}
	return out
}

func (s *Session) checkRegion(name string) error {
	zones := s.regionZones()
	if _, ok := zones[name]; ok {
		return nil
	}
	names := make([]string, 0, len(zones))
	for region := range zones {
		names = append(names, region)
	}
	sort.Strings(names)
	return errorf(codeInvalidName, "region %q does not exist", name).hint("valid regions: %s", strings.Join(names, ", "))
}

func (s *Session) roleName(spec tree.RoleSpec) string {
	switch spec.RoleSpecType {
	case tree.CurrentUser, tree.SessionUser:
		return s.User
	}
	return strings.ToLower(spec.Name)
}
